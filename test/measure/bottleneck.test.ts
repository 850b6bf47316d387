import assert from 'node:assert/strict'
import { measureRun } from '../../src/measure/bench-measures.js'
import { type BottleneckEvidence, bottleneckOf, judgeBottleneck } from '../../src/measure/bottleneck.js'
import { runCounts, series } from '../support/run-counts.js'

const calm: BottleneckEvidence = {
  mode: 'closed',
  achievedShare: null,
  sendLagP99Ms: null,
  heldBackShare: 0,
  threadCpuShares: [0.5, 0.6],
  nodeCpuShares: { n1: 0.4, n2: 0.7, n3: null },
  spins: false,
}
const open: Partial<BottleneckEvidence> = { mode: 'open', achievedShare: 1, sendLagP99Ms: 0.2 }

describe('the bottleneck', () => {
  const cases: [name: string, Partial<BottleneckEvidence>, verdict: string, reason: RegExp][] = [
    ['a thread on a full core', { threadCpuShares: [0.2, 0.97] }, 'generator', /97 % of a core/],
    ['a server on a full core', { nodeCpuShares: { n1: 0.3, n2: 0.93 } }, 'server', /n2 used 93 %/],
    ['both full, the server more', { threadCpuShares: [0.91], nodeCpuShares: { n1: 0.99 } }, 'server', /n1/],
    ['both idle in a closed loop', {}, 'network', /60 % .*n2, 70 %.*waiting/],
    ['servers that do not say', { nodeCpuShares: { n1: null } }, 'unknown', /the servers' CPU/],
    ['a system that does not say', { threadCpuShares: [] }, 'unknown', /the generator's CPU/],
    ['an open loop that met its rate', open, 'none', /was met; the busiest server, n2, used 70 %/],
    ['a spinning pacer uses a core', { ...open, threadCpuShares: [1], spins: true }, 'none', /was met/],
    ['a pacer that sleeps does not', { ...open, threadCpuShares: [1] }, 'generator', /100 % of a core/],
    ['a late pacer', { ...open, sendLagP99Ms: 30, spins: true }, 'generator', /more than 30\.0 ms late/],
    [
      'late because the bound held it back',
      { ...open, sendLagP99Ms: 300, heldBackShare: 0.5, achievedShare: 0.8 },
      'network',
      /80 % of what was due/,
    ],
    [
      'a full server under an open loop',
      { ...open, sendLagP99Ms: 300, nodeCpuShares: { n1: 1 } },
      'server',
      /n1/,
    ],
  ]
  for (const [name, evidence, verdict, reason] of cases) {
    it(`${name}: ${verdict}`, () => {
      const judged = judgeBottleneck({ ...calm, ...evidence })
      assert.equal(judged.verdict, verdict)
      assert.match(judged.reason, reason)
    })
  }

  it('takes the mean of a node over the run, of the seconds that are known', () => {
    const run = measureRun(
      runCounts({
        nodeIds: ['n1'],
        generator: { threadCpuShares: [0.1], hostNoise: { p999Ms: 0, maxMs: 0 } },
        series: series({ answered: [1, 1, 1], nodes: { n1: { cpuShare: [null, 1, 0.9] } } }),
      }),
    )
    assert.deepEqual(bottleneckOf(run, { spins: false }), {
      verdict: 'server',
      node: 'n1',
      reason: 'a server: n1 used 95 % of a core',
    })
  })
})
