import assert from 'node:assert/strict'
import { formatGeneratorRun, parseGeneratorRun } from '../../src/files/generator-run-json.js'
import { packText, unpackText } from '../../src/files/packed-text.js'
import type { GeneratorRun } from '../../src/measure/merge-runs.js'
import { toSparse } from '../../src/measure/sparse-counts.js'
import { latencies, runCounts, series } from '../support/run-counts.js'

const run: GeneratorRun = {
  counts: runCounts({
    mode: 'open',
    nodeIds: ['n1', 'n2'],
    operationNames: ['get', 'fill'],
    phases: [{ name: 'a', offered: 5 }, { name: 'b' }],
    cells: [
      { phase: 1, node: 1, op: 0, service: latencies([1, 5]), response: latencies([2, 3], [9_000, 2]) },
      { node: 0, service: latencies([0.1, 123_456_789]) },
    ],
    outcomes: [
      { phase: 1, node: 1, op: 0, hits: 4, misses: 1, errors: 0 },
      { hits: 1, misses: 0, errors: 2 },
    ],
    errorKinds: { LOADING: 2, 'connection lost (EPIPE)': 1 },
    sendLag: latencies([0.01, 5]),
    verified: { values: 5, wrong: 0, stale: 1 },
    source: {
      loads: 2,
      duplicateLoads: 1,
      maxUnderWay: 2,
      queueing: latencies([1, 1]),
      loading: latencies([2, 1]),
    },
    warmup: { seconds: 1, answered: 9, steady: true },
    series: series({
      answered: [3, 2],
      nodes: {
        n1: { answered: [3, 2], cpuShare: [0.5, null], evicted: [null, 1], usedMemoryBytes: [1, null] },
      },
    }),
  }),
  histograms: [latencies([1, 3]), latencies([2, 2])].map((counts) => ({
    operations: [toSparse(counts), toSparse([])],
    nodes: [toSparse(counts), toSparse([])],
  })),
}

describe('the counts of one machine as text', () => {
  it('come back to the last count', async () => {
    const text = await unpackText(await packText(formatGeneratorRun(run)))
    assert.deepEqual(parseGeneratorRun(text), run)
  })

  it('what does not fit together is refused, and says why', () => {
    const good = JSON.parse(formatGeneratorRun(run))
    const withCounts = (change: object) => JSON.stringify({ ...good, counts: { ...good.counts, ...change } })
    for (const [text, why] of [
      ['[', /JSON/],
      ['{}', /schema/],
      [withCounts({ errorKinds: { x: -1 } }), /errorKinds/],
      [withCounts({ sendLag: 'gICAgICAgICAgICA' }), /sendLag: a histogram/],
      [withCounts({ nodeIds: ['n1'] }), /of a node, operation or phase/],
      [JSON.stringify({ ...good, histograms: [] }), /a series without its histograms/],
    ] as const)
      assert.throws(() => parseGeneratorRun(text), { exitCode: 5, message: why })
  })

  it('a text that is not packed, or unpacks to more than memory, is refused', async () => {
    await assert.rejects(unpackText('garbage'), { exitCode: 5, message: /can't be unpacked/ })
  })
})
