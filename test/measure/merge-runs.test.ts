import assert from 'node:assert/strict'
import fc from 'fast-check'
import { foldRun } from '../../src/measure/bench-measures.js'
import {
  histogramLength,
  quantileUnits,
  slotOf,
  summarize,
  unitsPerMs,
} from '../../src/measure/latency-histogram.js'
import { type GeneratorRun, mergeRuns } from '../../src/measure/merge-runs.js'
import type { MergedSecond } from '../../src/measure/merge-series.js'
import type { RunCounts } from '../../src/measure/run-counts.js'
import { partOf, totalOf } from '../../src/measure/run-part.js'
import { addSparse, toSparse } from '../../src/measure/sparse-counts.js'
import { latencies, runCounts, series } from '../support/run-counts.js'

const nodeIds = ['n1', 'n2']
const operationNames = ['get', 'set']

/** One request of one of several generators. */
interface Request {
  readonly generator: number
  readonly node: number
  readonly op: number
  readonly ms: number
  readonly hit: boolean
  /** When it was answered, seconds since the start. */
  readonly atSec: number
}

const lastSecond = 4
const requests = fc.array(
  fc.record({
    generator: fc.nat({ max: 2 }),
    node: fc.nat({ max: 1 }),
    op: fc.nat({ max: 1 }),
    ms: fc.double({ min: 0.01, max: 3_000, noNaN: true }),
    hit: fc.boolean(),
    atSec: fc.double({ min: 0, max: lastSecond + 0.999, noNaN: true }),
  }),
  { maxLength: 200 },
)

const histogramOf = (some: readonly Request[]) => latencies(...some.map(({ ms }) => [ms, 1] as const))

/** What a generator would say that answered these, looking at its counts at `ticks`. */
function runOf(some: readonly Request[], ticks: readonly number[]): GeneratorRun {
  const places = nodeIds.flatMap((_, node) => operationNames.map((_name, op) => ({ node, op })))
  const of = (node: number, op: number) => some.filter((each) => each.node === node && each.op === op)
  const rows = ticks.map((end, row) =>
    some.filter(({ atSec }) => atSec < end && atSec >= (ticks[row - 1] ?? 0)),
  )
  return {
    counts: runCounts({
      nodeIds,
      operationNames,
      phases: [{ seconds: ticks.at(-1)!, offered: some.length, late: 1, heldBackSeconds: some.length }],
      cells: places
        .map(({ node, op }) => ({ node, op, service: histogramOf(of(node, op)) }))
        .filter(({ service }) => totalOf(service) > 0),
      outcomes: places.map(({ node, op }) => ({
        node,
        op,
        hits: of(node, op).filter(({ hit }) => hit).length,
        misses: of(node, op).filter(({ hit }) => !hit).length,
        errors: 0,
      })),
      errorKinds: some.length > 0 ? { LOADING: some.length } : {},
      generator: { threadCpuShares: [some.length / 1000], hostNoise: { p999Ms: some.length, maxMs: 9 } },
      series: series({
        atSec: [...ticks],
        answered: rows.map(({ length }) => length),
        nodes: Object.fromEntries(
          nodeIds.map((id, node) => [
            id,
            { answered: rows.map((row) => row.filter((each) => each.node === node).length) },
          ]),
        ),
      }),
    }),
    histograms: rows.map((row) => ({
      operations: operationNames.map((_, op) => toSparse(histogramOf(row.filter((each) => each.op === op)))),
      nodes: nodeIds.map((_, node) => toSparse(histogramOf(row.filter((each) => each.node === node)))),
    })),
  }
}

const wholeSeconds = [1, 2, 3, 4, 5]

function split(all: readonly Request[], ticksOf: (generator: number) => readonly number[]): GeneratorRun[] {
  return [0, 1, 2].map((generator) =>
    runOf(
      all.filter((each) => each.generator === generator),
      ticksOf(generator),
    ),
  )
}

describe('runs of several generators merged', () => {
  it('are bucket for bucket the run of one that did all of it, and so is every quantile', () => {
    fc.assert(
      fc.property(requests, (all) => {
        const merged = mergeRuns(split(all, () => wholeSeconds))
        const { counts: whole } = runOf(all, wholeSeconds)
        for (const scope of [{}, { node: 0 }, { node: 1 }, { op: 0 }, { op: 1 }, { node: 1, op: 1 }]) {
          assert.deepEqual(partOf(merged, scope).latency, partOf(whole, scope).latency)
          assert.deepEqual(partOf(merged, scope).outcomes, partOf(whole, scope).outcomes)
        }
        assert.deepEqual(foldRun(merged).overall, foldRun(whole).overall)
        assert.equal(merged.phases[0]!.offered, all.length)
        assert.equal(merged.phases[0]!.late, 3)
        assert.deepEqual(merged.errorKinds, whole.errorKinds)
      }),
    )
  })

  it('second by second the quantiles are those of all requests, not a mean of quantiles', () => {
    fc.assert(
      fc.property(requests, (all) => {
        const seconds: MergedSecond[] = []
        const { series: merged } = mergeRuns(
          split(all, () => wholeSeconds),
          (second) => seconds.push(second),
        )
        assert.deepEqual(merged.atSec, wholeSeconds)
        wholeSeconds.forEach((end, row) => {
          const here = all.filter(({ atSec }) => atSec < end && atSec >= end - 1)
          const summary = summarize(histogramOf(here))
          assert.equal(merged.answered[row], here.length)
          assert.equal(merged.p50Ms[row], summary.p50Ms)
          assert.equal(merged.p99Ms[row], summary.p99Ms)
          assert.equal(merged.maxMs[row], summary.maxMs)
          const second = here.filter(({ node }) => node === 1)
          assert.equal(merged.nodes.n2!.answered[row], second.length)
          assert.equal(merged.nodes.n2!.p99Ms[row], summarize(histogramOf(second)).p99Ms)
          assert.equal(
            seconds[row]!.histograms.map(totalOf).reduce((sum, count) => sum + count),
            here.length,
          )
          assert.deepEqual([seconds[row]!.startSec, seconds[row]!.seconds], [end - 1, 1])
        })
      }),
    )
  })

  it('generators that look a little early or late share the same seconds, and no request is lost', () => {
    const jitter = fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 15, maxLength: 15 })
    fc.assert(
      fc.property(requests, jitter, (all, late) => {
        const ticksOf = (generator: number) =>
          wholeSeconds.map((end, row) => (row === 4 ? end : end + late[generator * 5 + row]!))
        const { series: merged } = mergeRuns(split(all, ticksOf))
        assert.equal(merged.atSec.length, 5)
        assert.equal(
          merged.answered.reduce((sum, count) => sum + count),
          all.length,
        )
      }),
    )
  })

  it('phases stay apart, and the slowest generator says how long each was', () => {
    const run = (ends: readonly number[], phaseOf: readonly number[]): GeneratorRun => ({
      counts: runCounts({
        phases: [{ seconds: ends[1]! }, { seconds: 1, heldBackSeconds: ends[2]! }],
        series: series({ atSec: ends, phase: phaseOf, answered: [10, 20, 30] }),
      }),
      histograms: [],
    })
    const merged = mergeRuns([run([1, 1.5, 2.5], [0, 0, 1]), run([1.1, 1.6, 2.7], [0, 0, 1])])
    assert.deepEqual(merged.series.phase, [0, 0, 1])
    assert.deepEqual(merged.series.answered, [20, 40, 60])
    assert.deepEqual(merged.series.atSec, [1.1, 1.6, 2.7])
    assert.deepEqual(
      merged.phases.map(({ seconds }) => seconds),
      [1.6, 1],
    )
    assert.equal(merged.phases[1]!.heldBackSeconds, 2.7)
  })

  it('what nodes say of themselves is taken once, from the first that heard it', () => {
    const watched = { answered: [1, 1], usedMemoryBytes: [5, 6], evicted: [2, 3], cpuShare: [0.5, 0.6] }
    const run = (node: object): GeneratorRun => ({
      counts: runCounts({ nodeIds: ['n1'], series: series({ answered: [1, 1], nodes: { n1: node } }) }),
      histograms: [],
    })
    const { n1 } = mergeRuns([run({ answered: [1, 1] }), run(watched), run(watched)]).series.nodes
    assert.deepEqual(n1?.usedMemoryBytes, [5, 6])
    assert.deepEqual(n1?.evicted, [2, 3])
    assert.deepEqual(n1?.cpuShare, [0.5, 0.6])
    assert.deepEqual(n1?.answered, [3, 3])
  })

  it('verification, source of truth and send lag are added; all must have been steady', () => {
    const part = (steady: boolean): GeneratorRun => ({
      counts: runCounts({
        mode: 'open',
        verified: { values: 10, wrong: 1, stale: 2 },
        source: {
          loads: 5,
          duplicateLoads: 1,
          maxUnderWay: 3,
          queueing: latencies([1, 2]),
          loading: latencies([5, 4]),
        },
        sendLag: latencies([0.01, 7]),
        warmup: { seconds: steady ? 1 : 2, answered: 3, steady },
      }),
      histograms: [],
    })
    const merged = mergeRuns([part(true), part(false)])
    assert.deepEqual(merged.verified, { values: 20, wrong: 2, stale: 4 })
    assert.equal(merged.source?.maxUnderWay, 6)
    assert.equal(totalOf(merged.source?.loading ?? []), 8)
    assert.equal(totalOf(merged.sendLag ?? []), 14)
    assert.deepEqual(merged.warmup, { seconds: 2, answered: 6, steady: false })
  })

  it('of different nodes or phases are refused, and so is none', () => {
    const run = (counts: RunCounts): GeneratorRun => ({ counts, histograms: [] })
    assert.throws(
      () => mergeRuns([run(runCounts()), run(runCounts({ nodeIds: ['n1'] }))]),
      /different shapes/,
    )
    assert.throws(() => mergeRuns([]), /no run/)
  })
})

describe('sparse histograms', () => {
  const slot = fc.nat({ max: histogramLength - 1 })
  const count = fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  )

  it('are read back to the last count', () => {
    fc.assert(
      fc.property(fc.dictionary(slot.map(String), count), (cells) => {
        const counts = new Float64Array(histogramLength)
        for (const [at, value] of Object.entries(cells)) counts[Number(at)] = value
        const read = new Float64Array(histogramLength)
        addSparse(toSparse(counts), read)
        assert.deepEqual(read, counts)
      }),
    )
  })

  it('bytes that are no histogram are refused, never taken for one with a slot beyond its end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const counts = new Float64Array(8)
        try {
          addSparse(bytes, counts)
        } catch (error) {
          assert.match(String(error), /a histogram/)
        }
        assert.equal(counts.length, 8)
      }),
    )
    assert.throws(() => addSparse(Uint8Array.of(1), new Float64Array(8)), /cut short/)
    assert.throws(() => addSparse(Uint8Array.of(9, 1), new Float64Array(8)), /more than 8/)
  })

  it('a second of 10,000 requests takes about a kilobyte', () => {
    const spread = Array.from({ length: 10_000 }, (_, index) => [0.1 + (index % 97) * 0.02, 1] as const)
    const bytes = toSparse(latencies(...spread))
    assert.ok(bytes.length < 1_000, `${bytes.length} bytes`)
    const counts = new Float64Array(histogramLength)
    addSparse(bytes, counts)
    assert.equal(quantileUnits(counts, 10_000, 0.5), quantileUnits(latencies(...spread), 10_000, 0.5))
    assert.ok(counts[slotOf(0.1 * unitsPerMs)]! > 0)
  })
})
