import assert from 'node:assert/strict'
import type { ControlStore } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createRedisStore, leaseMs } from '../../src/control/redis-store.js'
import { firstState } from '../../src/ring/epoch.js'
import { startServers, type TestServers, testNode, testTopology } from '../support/redis-servers.js'
import { storeContract } from './contract.js'

describe('the control store on a Redis server', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1)
  })
  after(() => servers.stop())
  const open = (name: string): ControlStore =>
    createRedisStore({ node: servers.servers[0]!.node }, name, systemClock)

  storeContract(open)

  it('a holder that falls silent loses its lease, and is told so', async () => {
    const store = open('silent')
    const lease = await store.acquireLease('frozen')
    await (await servers.connect(0)).call('PEXPIRE', 'cachectl:{silent}:lease', 1)
    while ((await (await servers.connect(0)).call('EXISTS', 'cachectl:{silent}:lease')) === 1);
    const second = await store.acquireLease('second')
    assert.ok(second.token > lease.token)
    assert.equal(await lease.renew(), false)
    const ttl = Number(await (await servers.connect(0)).call('PTTL', 'cachectl:{silent}:lease'))
    assert.ok(ttl > 0 && ttl <= leaseMs)
    await store.close()
  })

  it('goes on after its connection was cut', async () => {
    const store = open('cut')
    const stored = await store.compareAndSwap(undefined, firstState(testTopology([testNode('n1', 7001)])))
    await (await servers.connect(0)).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await store.load().catch((error: unknown) => assert.match(String(error), /closed/))
    assert.deepEqual(await store.load(), stored)
    await store.close()
  })
})
