import assert from 'node:assert/strict'
import { measureRun } from '../../src/measure/bench-measures.js'
import type { RecordedRun } from '../../src/measure/bench-result.js'
import { circumstances, incomparable, shapeOf } from '../../src/measure/comparable.js'
import { compareRuns } from '../../src/measure/compare-runs.js'
import { compareSlices } from '../../src/measure/compare-slices.js'
import { evaluateGates } from '../../src/measure/gate.js'
import { parseGate } from '../../src/measure/gate-parse.js'
import { slicesOf } from '../../src/measure/slices.js'
import { createRandom } from '../../src/random.js'
import { latencies, runCounts, series } from '../support/run-counts.js'

/** A minute with the noise of its seed, `slower` than it would be, with a rest of a second at the end. */
function run(seed: number, { slower = 0, hitRatio = 0.9, seconds = 60, noise = 0.05 } = {}) {
  const random = createRandom(seed)
  const speeds = Array.from({ length: seconds }, () => (1 + noise * (random.next() - 0.5)) / (1 + slower))
  const rest = <T>(values: readonly T[], last: T) => [...values, last]
  const answered = speeds.map((speed) => Math.round(10_000 * speed))
  const hits = answered.map((count) => Math.round(count * hitRatio))
  const flow = {
    answered: rest(answered, 7),
    hits: rest(hits, 7),
    misses: rest(
      answered.map((count, i) => count - hits[i]!),
      0,
    ),
    errors: rest(
      answered.map(() => 0),
      0,
    ),
    p99Ms: rest(
      speeds.map((speed) => 2 / speed),
      9_000,
    ),
  }
  return measureRun(
    runCounts({
      nodeIds: ['n1', 'n2'],
      phases: [{ seconds: seconds + 0.01 }],
      cells: [
        { node: 0, op: 0, service: latencies([0.5 * (1 + slower), 300_000]) },
        { node: 1, op: 0, service: latencies([0.5 * (1 + slower), 300_000]) },
      ],
      outcomes: [{ hits: 540_000, misses: 60_000, errors: 0 }],
      series: {
        ...series({
          ...flow,
          p999Ms: flow.p99Ms,
          p50Ms: rest(
            speeds.map((speed) => 0.5 / speed),
            9,
          ),
          nodes: { n1: flow },
        }),
        atSec: rest(
          answered.map((_, index) => index + 1),
          seconds + 0.01,
        ),
      },
    }),
  )
}

function compare(before: ReturnType<typeof run>, after: ReturnType<typeof run>) {
  const comparison = compareRuns(before, after, { random: createRandom(1) })
  const metric = (name: string) => comparison.metrics.find((each) => each.metric === name)!
  return { ...comparison, metric }
}

describe('two runs', () => {
  it('of the same have no significant change, and say that they are no turns', () => {
    const { verdict, method, warnings } = compare(run(1), run(2))
    assert.equal(verdict, 'no significant change')
    assert.match(method.join(' '), /not turns.*bench ab/)
    assert.deepEqual(warnings, [])
  })

  it('of which one is 10 % slower are told apart, with a ratio near the truth', () => {
    const { verdict, metric } = compare(run(1), run(2, { slower: 0.1 }))
    assert.equal(verdict, 'worse')
    for (const [name, ratio] of [
      ['throughput', 1 / 1.1],
      ['p99', 1.1],
      ['p50', 1.1],
      ['node(n1).throughput', 1 / 1.1],
    ] as const) {
      const { decision, change } = metric(name)
      assert.equal(decision, 'worse', name)
      assert.ok(Math.abs(change!.estimate - ratio) < 0.02, name)
      assert.ok(change!.interval.low < ratio && ratio < change!.interval.high, name)
    }
  })

  it('a change below the minimum effect is said to be one', () => {
    const { metric } = compare(run(1), run(2, { slower: 0.03 }))
    assert.equal(metric('throughput').decision, 'changed, but less than the minimum effect')
  })

  it('compare hit ratios by their difference', () => {
    const { metric } = compare(run(1), run(2, { hitRatio: 0.87 }))
    assert.equal(metric('hit_ratio').decision, 'worse')
    assert.ok(Math.abs(metric('hit_ratio').change!.estimate + 0.03) < 0.002)
  })

  it('show operations, which have no seconds of their own, without a verdict', () => {
    const { metric } = compare(run(1), run(2, { slower: 0.1 }))
    const { before, after, change, decision } = metric('get.p99')
    assert.ok(before! < after!)
    assert.deepEqual([change, decision], [null, null])
  })

  it('too short for a verdict have none, and say so', () => {
    const { verdict, warnings, metric } = compare(run(1, { seconds: 4 }), run(2, { slower: 1 }))
    assert.equal(verdict, 'no significant change')
    assert.equal(metric('throughput').change, null)
    assert.match(warnings.join(), /could not be judged: both runs need at least 7 seconds/)
  })

  it('leave the rest of a second out', () => {
    const slices = slicesOf(run(1), { kind: 'time', name: 'max' }, {})
    assert.equal(slices.length, 60)
    assert.ok(Math.max(...slicesOf(run(1), { kind: 'quantile', quantile: 0.99 }, {})) < 10)
  })

  it('whose seconds resemble their neighbours are judged in blocks, and alarm less for it', () => {
    const random = createRandom(8)
    const wander = () => {
      let level = 0
      return Array.from({ length: 60 }, () => {
        level = 0.85 * level + (random.next() - 0.5)
        return 100 + 4 * level
      })
    }
    let alarms = 0
    for (let round = 0; round < 40; round++) {
      const options = { unit: 'perSec' as const, confidence: 0.95, random }
      const found = compareSlices(wander(), wander(), options)
      if (!found) continue
      assert.ok(found.blockLength > 2)
      if (found.change.rawPValue < 0.05) alarms += 1
    }
    assert.ok(alarms <= 5, `${alarms} of 40`)
  })
})

describe('a gate that nothing got worse', () => {
  const judge = (expression: string, before: ReturnType<typeof run>, after: ReturnType<typeof run>) =>
    evaluateGates([parseGate(expression)], after, { baseline: before, allowLag: false })[0]!

  const cases: [expression: string, slower: number, passed: boolean][] = [
    ['p99 not worse than baseline', 0, true],
    ['p99 not worse than baseline', 0.1, false],
    ['p99 not worse than baseline', -0.1, true],
    ['p99 not worse than baseline by 20%', 0.1, true],
    ['throughput not worse than baseline', 0.1, false],
    ['node(n1).throughput not worse than baseline by 3%', 0.05, false],
    ['phase(measure).p50 not worse than baseline', 0.1, false],
    ['hit_ratio not worse than baseline', 0.1, true],
  ]
  for (const [expression, slower, passed] of cases) {
    it(`${expression}: ${slower * 100} % slower ${passed ? 'passes' : 'fails'}`, () => {
      const result = judge(expression, run(1), run(2, { slower }))
      assert.equal(result.passed, passed, result.reason)
      if (!passed) assert.match(result.reason!, /significantly worse: [+−]\d.* p < 0\.001/)
    })
  }

  it('has the limit that the minimum effect sets', () => {
    const { limit } = judge('throughput not worse than baseline by 25%', run(1), run(2))
    assert.ok(Math.abs(limit! - 600_000 / 60.01 / 1.25) < 1)
  })

  it('fails on runs too short to know', () => {
    assert.match(judge('p99 not worse than baseline', run(1, { seconds: 3 }), run(2)).reason!, /at least 7/)
  })
})

describe('what can be compared', () => {
  const recorded = (changes: Partial<RecordedRun> = {}): RecordedRun => ({
    ...run(1),
    name: 'a.json',
    topology: 'test',
    seed: 1,
    configuration: { workload: 'uniform', connections: 50, pipeline: 1 },
    machine: { platform: 'linux x64', cpu: 'x', cores: 2, memoryBytes: 1, node: 'v20.0.0' },
    servers: {},
    serverSettings: {
      n1: {
        version: 'Redis 7.0.15',
        maxmemoryBytes: 0,
        evictionPolicy: 'noeviction',
        ioThreads: 1,
        appendOnly: false,
      },
    },
    interrupted: false,
    warnings: [],
    ...changes,
  })

  const differences = (a: RecordedRun, b: RecordedRun) => incomparable(shapeOf(a), shapeOf(b))

  it('names what makes two runs different questions', () => {
    assert.deepEqual(differences(recorded(), recorded({ seed: 9 })), [])
    const other = recorded({
      configuration: { workload: 'uniform', connections: 10, verify: true, pipeline: 1, warmup: '5 ms' },
    })
    assert.deepEqual(differences(recorded(), other), [
      { field: 'connections', before: '50', after: '10' },
      { field: 'verify', before: 'not set', after: 'true' },
    ])
    const open = recorded(measureRun(runCounts({ mode: 'open', nodeIds: ['n1'] })))
    assert.deepEqual(
      differences(recorded(), open).map(({ field }) => field),
      ['mode', 'nodes'],
    )
  })

  it('tells of other circumstances, which are no hindrance', () => {
    const newer = { ...recorded().serverSettings.n1!, version: 'Valkey 8.1.0', ioThreads: 4 }
    const other = recorded({
      machine: { ...recorded().machine, cores: 8 },
      serverSettings: { n1: newer },
      interrupted: true,
      name: 'b.json',
    })
    assert.deepEqual(circumstances(recorded(), other), [
      'made on different machines: cores 2 → 8',
      'servers differ: n1 version Redis 7.0.15 → Valkey 8.1.0, n1 ioThreads 1 → 4',
      'b.json was interrupted',
    ])
    assert.deepEqual(circumstances(recorded(), recorded()), [])
  })
})
