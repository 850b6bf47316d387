import assert from 'node:assert/strict'
import { gatherFacts } from '../../src/redis/node-facts.js'
import { openConnection } from '../../src/redis/resp-connection.js'
import { freePort, startServers, type TestServers, testNode } from '../support/redis-servers.js'

describe('the facts of a fleet', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1, { args: ['--requirepass', 'right-password'] })
  })
  after(() => servers.stop())

  it('one node’s failure is a fact beside the others, with its name and what to do', async () => {
    const { node } = servers.servers[0]!
    const deadPort = await freePort()
    const [healthy, dead, wrong, none] = await gatherFacts([
      { node, password: 'right-password' },
      { node: testNode('dead', deadPort) },
      { node: { ...node, id: 'wrong' }, password: 'secret-but-wrong' },
      { node: { ...node, id: 'none' } },
    ])
    assert.equal(healthy?.reachable, true)
    assert.deepEqual(dead, {
      reachable: false,
      problem: `node dead (127.0.0.1:${deadPort}): connection refused (ECONNREFUSED)`,
      remedy: 'Is the server running? `cachectl lab up` starts local nodes.',
    })
    for (const [id, facts, code] of [
      ['wrong', wrong, 'WRONGPASS'],
      ['none', none, 'NOAUTH'],
    ] as const) {
      assert.ok(facts && !facts.reachable)
      assert.match(facts.problem, new RegExp(`^node ${id} .*${code}`))
      assert.match(facts.remedy ?? '', /passwordEnv/)
    }
    assert.doesNotMatch(JSON.stringify(wrong), /secret-but-wrong/)
  })

  it('counts the keys of the node’s own database', async () => {
    const access = { node: { ...servers.servers[0]!.node, db: 3 }, password: 'right-password' }
    const connection = await openConnection(access)
    await connection.send([
      ['MSET', 'a', '1', 'b', '2'],
      ['SELECT', 0],
      ['SET', 'c', '3'],
    ])
    connection.close()
    const [facts] = await gatherFacts([access])
    assert.ok(facts?.reachable)
    assert.equal(facts.keyCount, 2)
  })
})
