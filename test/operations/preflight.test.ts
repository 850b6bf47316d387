import assert from 'node:assert/strict'
import type { NodeFacts } from '../../src/operations/ports.js'
import { preflight } from '../../src/operations/preflight.js'
import { planChange } from '../../src/plan/plan-change.js'
import { serverFacts } from '../support/fake-fleet.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const nodes = [testNode('n1', 7001), testNode('n2', 7002), testNode('n3', 7003)]
const plan = planChange(testTopology(nodes.slice(0, 2)), testTopology(nodes))
const healthy = [{ runId: 'a', keyCount: 3_000 }, { runId: 'b', keyCount: 3_000 }, { runId: 'c' }]

function look(change: (facts: NodeFacts[]) => NodeFacts[], allowEviction = false) {
  const facts = change(healthy.map((each) => serverFacts(each)))
  return preflight({ plan, nodes, allowEviction, waitReplicas: 0 }, { factsOf: async () => facts })
}

/** The third node's facts replaced. */
function third(more: Parameters<typeof serverFacts>[0]) {
  return (facts: NodeFacts[]) => [...facts.slice(0, 2), serverFacts({ ...healthy[2], ...more })]
}

describe('before keys move', () => {
  it('a healthy fleet passes', async () => {
    assert.equal((await look((facts) => facts)).length, 3)
    await look(third({ maxmemoryBytes: 100_000_000, evictionPolicy: 'allkeys-lru' }))
  })

  const refusals: [
    name: string,
    change: (facts: NodeFacts[]) => NodeFacts[],
    exitCode: number,
    message: RegExp,
  ][] = [
    [
      'a silent node',
      ([a, b]) => [a!, b!, { reachable: false, problem: 'node n3: refused' }],
      4,
      /^node n3: refused$/,
    ],
    ['a replica', third({ role: 'replica' }), 5, /node n3 is a readonly replica/],
    ['one server under two names', third({ runId: 'a' }), 5, /nodes n1 and n3 are one server/],
    [
      'an older version (fault-58)',
      third({ version: 'Redis 6.2.1' }),
      5,
      /n3 runs Redis 6\.2\.1, older than n\d's Redis 7\.0\.15/,
    ],
    ['a clock ahead', third({ clockOffsetMs: 5_000 }), 5, /clock of node n3 is 5\.0 s ahead/],
    ['too little memory', third({ maxmemoryBytes: 1_100_000 }), 5, /n3 has 0\.1 MiB free .*would come/],
    [
      'eviction near the limit',
      third({ maxmemoryBytes: 1_300_000, evictionPolicy: 'allkeys-lru' }),
      5,
      /n3 evicts .*--allow-eviction/,
    ],
  ]
  for (const [name, change, exitCode, message] of refusals) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(look(change), { exitCode, message })
    })
  }

  it('refuses an older Redis beside a newer one also when a Valkey node is the newest', async () => {
    const versions = ['Valkey 8.0.1', 'Redis 7.2.4', 'Redis 7.0.15']
    const mixed = () => healthy.map((each, index) => serverFacts({ ...each, version: versions[index]! }))
    await assert.rejects(look(mixed), { exitCode: 5, message: /n3 runs Redis 7\.0\.15, older than n2's/ })
  })

  it('says everything that is wrong at once', async () => {
    await assert.rejects(look(third({ role: 'replica', clockOffsetMs: 9_000 })), {
      message: /replica[\s\S]*clock/,
    })
  })

  it('lets the operator accept eviction', async () => {
    await look(third({ maxmemoryBytes: 1_100_000, evictionPolicy: 'allkeys-lru' }), true)
  })
})
