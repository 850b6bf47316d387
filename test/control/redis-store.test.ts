import assert from 'node:assert/strict'
import type { ControlStore } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createRedisStore, leaseMs } from '../../src/control/redis-store.js'
import { firstState } from '../../src/ring/epoch.js'
import { type DurableRedis, startDurableRedis } from '../support/durable-redis.js'
import { testNode, testTopology } from '../support/redis-servers.js'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js'
import { storeContract } from './contract.js'

const state = firstState(testTopology([testNode('n1', 7001)]))

describe('the control store on a Redis server', () => {
  let server: DurableRedis
  let proxy: TcpProxy
  before(async () => {
    server = await startDurableRedis()
    proxy = await startTcpProxy(server.port)
  })
  after(async () => {
    await proxy.close()
    await server.stop()
  })
  const open = (ring: string): ControlStore => createRedisStore({ node: server.node }, ring, systemClock)

  storeContract(
    () => ({
      open,
      url: () => server.node.url,
      openRemote: async (ring) => ({
        ...proxy,
        store: createRedisStore({ node: testNode('control', proxy.port) }, ring, systemClock),
      }),
      restart: () => server.restart(),
      expireLease: async (ring) => {
        await server.call('PEXPIRE', `cachectl:{${ring}}:lease`, 1)
        while ((await server.call('EXISTS', `cachectl:{${ring}}:lease`)) === 1);
      },
      spoil: async (ring, text) => {
        await server.call('HSET', `cachectl:{${ring}}:state`, 'state', text)
      },
    }),
    { name: 'redis://127.0.0.1:', hasServer: true },
  )

  it('a lease runs out by itself', async () => {
    const store = open('ttl')
    const lease = await store.acquireLease('me')
    const ttl = Number(await server.call('PTTL', 'cachectl:{ttl}:lease'))
    assert.ok(ttl > 0 && ttl <= leaseMs)
    await lease.release()
    await store.close()
  })

  it('goes on over one new connection after its own was cut', async () => {
    const store = open('cut')
    const stored = await store.compareAndSwap(undefined, state)
    await server.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await store
      .load()
      .catch((error: unknown) => assert.match(String(error), /control store redis:.*(closed|ended|reset)/))
    const all = await Promise.all(Array.from({ length: 20 }, () => store.load()))
    for (const each of all) assert.deepEqual(each, stored)
    const list = String(await server.call('CLIENT', 'LIST'))
    assert.equal(list.match(/name=cc-control/g)?.length, 1)
    await store.close()
  })

  it('that is away is unreachable, by name', async () => {
    proxy.cut()
    const store = createRedisStore({ node: testNode('control', proxy.port) }, 'x', systemClock)
    await assert.rejects(store.load(), { exitCode: 4, message: /^control store redis:\/\/127\.0\.0\.1:/ })
    proxy.mend()
    assert.equal(await store.load(), undefined)
    await store.close()
  })
})
