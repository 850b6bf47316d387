import assert from 'node:assert/strict'
import { foldRun } from '../../src/measure/bench-measures.js'
import { latencies, runCounts, series } from '../support/run-counts.js'

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= expected * 0.009, `${actual} is not about ${expected}`)

describe('what a run measured', () => {
  /** An open loop in two phases; in the second, n2 stalls: requests that took 2 ms had waited 500 ms before. */
  const open = runCounts({
    mode: 'open',
    nodeIds: ['n1', 'n2'],
    phases: [
      { name: 'calm', seconds: 2, offered: 200 },
      { name: 'peak', seconds: 1, offered: 400, unsent: 30, unanswered: 10, heldBackSeconds: 0.5 },
    ],
    cells: [
      { phase: 0, node: 0, op: 0, service: latencies([1, 100]), response: latencies([1, 100]) },
      { phase: 0, node: 1, op: 1, service: latencies([1, 100]), response: latencies([1, 100]) },
      { phase: 1, node: 0, op: 0, service: latencies([1, 180]), response: latencies([1, 180]) },
      { phase: 1, node: 1, op: 0, service: latencies([2, 180]), response: latencies([500, 190]) },
    ],
    outcomes: [
      { phase: 0, node: 0, hits: 90, misses: 10, errors: 0 },
      { phase: 1, node: 0, hits: 180, misses: 0, errors: 0 },
      { phase: 1, node: 1, hits: 90, misses: 90, errors: 12 },
    ],
    errorKinds: { 'no reply': 10, MOVED: 1, ASK: 1 },
    sendLag: latencies([0.01, 98], [20, 2]),
    verified: { values: 360, wrong: 1, stale: 2 },
    source: {
      loads: 50,
      duplicateLoads: 7,
      maxUnderWay: 5,
      queueing: latencies([3, 50]),
      loading: latencies([9, 50]),
    },
    series: series({
      answered: [100, 100, 360],
      phase: [0, 0, 1],
      nodes: { n2: { evicted: [null, 3, 4], usedMemoryBytes: [10, 20, null] } },
    }),
  })

  it('shows response time first and service time beside it in an open loop', () => {
    const { overall, nodes } = foldRun(open)
    near(overall.p99Ms, 500)
    near(overall.service!.p99Ms, 2)
    assert.deepEqual([overall.count, overall.service!.count], [570, 560])
    near(nodes.n2!.p50Ms, 500)
    near(nodes.n2!.service!.p50Ms, 2)
  })

  it('divides each phase by its own seconds, and the whole by all of them', () => {
    const { throughputPerSec, phases, operations } = foldRun(open)
    near(throughputPerSec, 560 / 3)
    assert.deepEqual(
      phases.map((phase) => [phase.name, phase.throughputPerSec, phase.offeredPerSec]),
      [
        ['calm', 100, 100],
        ['peak', 360, 400],
      ],
    )
    assert.equal(operations.set!.throughputPerSec, 100 / 3)
    assert.deepEqual(Object.keys(phases[1]!.operations), ['get'])
  })

  it('says what was due and not done, whole and by phase', () => {
    const measures = foldRun(open)
    assert.equal(measures.achievedShare, 560 / 600)
    assert.deepEqual([measures.unsent, measures.unanswered, measures.heldBackSeconds], [30, 10, 0.5])
    assert.deepEqual(
      measures.phases.map(({ achievedShare }) => achievedShare),
      [1, 0.9],
    )
  })

  it('counts hits of reads, errors and their kinds, evictions, the last known memory', () => {
    const { hitRatio, phases, nodes, errors, errorRate, moved } = foldRun(open)
    assert.equal(hitRatio, 360 / 460)
    assert.deepEqual(
      phases.map((phase) => phase.hitRatio),
      [0.9, 0.75],
    )
    assert.deepEqual([errors, moved], [12, 2])
    assert.equal(errorRate, 12 / 572)
    assert.deepEqual([nodes.n2!.evicted, nodes.n2!.usedMemoryBytes, nodes.n1!.evicted], [7, 20, null])
  })

  it('says how far behind its schedule the generator was, and what the source did', () => {
    const { sendLag, source, verified } = foldRun(open)
    near(sendLag!.p50Ms, 0.01)
    near(sendLag!.p99Ms, 20)
    assert.equal(source!.loadsPerMiss, 0.5)
    near(source!.loading.p50Ms, 9)
    assert.deepEqual(verified, { values: 360, wrong: 1, stale: 2 })
  })

  it('has neither a schedule nor a second clock in a closed loop', () => {
    const { overall, achievedShare, offeredPerSec, sendLag, phases } = foldRun(
      runCounts({ cells: [{ service: latencies([1, 10]) }] }),
    )
    assert.deepEqual([achievedShare, offeredPerSec, sendLag], [null, null, null])
    assert.ok(!('service' in overall) && !('service' in phases[0]!))
  })

  it('is made of zeros, not of NaN, where nothing was answered', () => {
    const text = JSON.stringify(foldRun(runCounts({ phases: [{ seconds: 0 }] })))
    assert.doesNotMatch(text, /NaN|Infinity/)
    assert.equal(foldRun(runCounts()).hitRatio, null)
  })
})
