import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { CachectlError, ExitCode } from '../../src/errors.js'
import { toBenchResult } from '../../src/files/bench-result.js'
import { readBenchResult, toResultFile } from '../../src/files/bench-result-file.js'
import { decodeHistogram, encodeHistogram } from '../../src/files/hdr-export.js'
import { toJsonText } from '../../src/files/result-file.js'
import { measureRun } from '../../src/measure/bench-measures.js'
import { cacheSums, readTiers, record } from '../../src/measure/cache-counts.js'
import { histogramLength } from '../../src/measure/latency-histogram.js'
import type { RunCounts } from '../../src/measure/run-counts.js'
import { partOf } from '../../src/measure/run-part.js'
import { latencies, runCounts, series } from '../support/run-counts.js'

describe('a result file', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  /** Two phases, three nodes with names that JSON would sort, everything that a run can have. */
  const full = runCounts({
    mode: 'open',
    nodeIds: ['b', '2', '1'],
    phases: [
      { name: 'calm', seconds: 2, offered: 300, unsent: 1 },
      { name: 'peak', seconds: 1.5, offered: 700, unanswered: 3, heldBackSeconds: 0.25 },
    ],
    cells: [
      { phase: 0, node: 0, op: 0, service: latencies([0.1, 250]), response: latencies([0.2, 250]) },
      { phase: 1, node: 2, op: 1, service: latencies([3, 10], [900, 1]), response: latencies([5, 12]) },
      { phase: 1, node: 1, op: 2, service: latencies(), response: latencies() },
    ],
    outcomes: [
      { phase: 0, node: 0, op: 0, hits: 200, misses: 50, errors: 0 },
      { phase: 1, node: 2, op: 1, hits: 0, misses: 0, errors: 4 },
    ],
    errorKinds: { OOM: 4 },
    sendLag: latencies([0.01, 900], [4, 5]),
    verified: { values: 200, wrong: 1, stale: 0 },
    source: {
      loads: 50,
      duplicateLoads: 3,
      maxUnderWay: 9,
      queueing: latencies([1, 50]),
      loading: latencies([8, 50]),
    },
    cache: {
      strategy: 'write-behind',
      processes: 2,
      tiers: { l1: 3, l2: 2, stale: 1, shared: 0, miss: 4 },
      unwaited: 6,
      sums: record(cacheSums, (name) => name.length),
      unjudged: 1,
      latencies: record(readTiers, (tier) => latencies([tier.length, 7])),
      lookups: latencies([0.3, 6]),
      staleAges: latencies([0.1, 2], [1_500, 1]),
      behind: { pending: 3, lag: latencies([40, 5]) },
    },
    generator: { threadCpuShares: [0.25, 0.5], hostNoise: { p999Ms: 0.2, maxMs: 3 } },
    series: series({
      answered: [100, 150, 11],
      phase: [0, 0, 1],
      nodes: { b: { cpuShare: [null, 0.5, 0.25] } },
    }),
  })

  const contentOf = async (counts: RunCounts) => {
    const run = measureRun(counts)
    const result = toBenchResult(
      { topology: 'test', seed: 7, configuration: { workload: 'zipf:0.99', connections: 50, verify: true } },
      {
        ...run.measures,
        gates: [],
        bottleneck: null,
        interrupted: false,
        servers: {},
        warnings: ['host was busy'],
      },
    )
    return toResultFile(result, counts)
  }

  async function file(content: unknown): Promise<string> {
    const path = join(directory, 'result.json')
    await writeFile(path, typeof content === 'string' ? content : toJsonText(content))
    return path
  }

  it('is read back as the same run, to the last count', async () => {
    const content = await contentOf(full)
    const back = await readBenchResult(await file(content))
    const before = measureRun(full).measures
    assert.deepEqual(back.measures, before)
    for (const phase of [0, 1]) {
      for (const [node, id] of full.nodeIds.entries()) {
        for (const op of [0, 1, 2]) {
          const there = { phase, node: back.counts.nodeIds.indexOf(id), op }
          assert.deepEqual(partOf(back.counts, there), partOf(full, { phase, node, op }))
        }
      }
    }
    assert.deepEqual(back.counts.series, full.series)
    assert.deepEqual(
      [back.name.endsWith('result.json'), back.seed, back.topology, back.configuration, back.warnings],
      [true, 7, 'test', content.configuration, ['host was busy']],
    )
  })

  it('keeps every count of every slot through HdrHistogram, also above 2^31', async () => {
    const slots = fc.array(
      fc.tuple(fc.nat({ max: histogramLength - 1 }), fc.integer({ min: 1, max: 2 ** 45 })),
      {
        maxLength: 50,
      },
    )
    await fc.assert(
      fc.asyncProperty(slots, async (filled) => {
        const counts = new Float64Array(histogramLength)
        for (const [slot, count] of filled) counts[slot] = count
        assert.deepEqual(await decodeHistogram(await encodeHistogram(counts)), counts)
      }),
      { numRuns: 40 },
    )
  })

  it('has a column of numbers on one line, and texts untouched', () => {
    const value = { warnings: ['[\n  1,\n  2\n]'], atSec: [1, 2.5, null, -3e-7], nodes: [], empty: {} }
    const text = toJsonText(value)
    assert.deepEqual(JSON.parse(text), value)
    assert.match(text, /"atSec": \[1, 2\.5, null, -3e-7\]/)
  })

  const damages: [name: string, damage: (content: Record<string, unknown>) => unknown, message: RegExp][] = [
    [
      'of a newer schema',
      (c) => ({ ...c, schema: 'cachectl/bench/v2' }),
      /schema: cachectl\/bench\/v2 is of a newer/,
    ],
    ['of another command', () => ({ schema: 'cachectl/ring/v1' }), /not the result of a bench run/],
    ['that is a list', () => [1], /not the result of a bench|schema: is missing/],
    ['that is no JSON', () => '{"schema": ', /not JSON/],
    ['printed by --json', ({ cells: _, ...c }) => c, /cells: is missing; --out writes/],
    ['with a negative count', (c) => ({ ...c, seed: -1 }), /seed: expected 0 or more/],
    [
      'with columns cut short',
      (c) => ({ ...c, series: { ...full.series, hits: [1] } }),
      /series: .*one length/,
    ],
    [
      'with a broken histogram',
      (c) => ({ ...c, sendLagHistogram: 'AAAA' }),
      /sendLagHistogram: not a histogram/,
    ],
    [
      'with a cell of no node',
      (c) => ({ ...c, cells: [{ phase: 0, node: 'x', operation: 'get', service: 'AA' }] }),
      /cells\.0: of a node/,
    ],
    [
      'with an outcome of no phase',
      (c) => ({ ...c, outcomes: [{ phase: 9, node: 'b', hits: 0, misses: 0, errors: 0 }] }),
      /outcomes\.0: of a node, operation or phase/,
    ],
  ]
  for (const [name, damage, message] of damages) {
    it(`${name} is refused, naming the file and the field`, async () => {
      const path = await file(damage({ ...(await contentOf(full)) }))
      await assert.rejects(readBenchResult(path), (error: unknown) => {
        assert.ok(error instanceof CachectlError)
        assert.equal(error.exitCode, ExitCode.invalid)
        assert.ok(error.message.startsWith(`result ${path}: `), error.message)
        assert.match(error.message, message)
        return true
      })
    })
  }

  it('that is not there is an error of its own', async () => {
    await assert.rejects(readBenchResult(join(directory, 'none.json')), /none\.json: no such file/)
  })
})
