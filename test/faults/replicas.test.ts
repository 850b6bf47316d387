import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { assertFailed, ChangingRing } from '../support/changing-ring.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const soon = ['--repl-diskless-sync-delay', '0']
const waiting = ['--wait-replicas', '1']

describe('nodes with replicas in a change', () => {
  let ring: ChangingRing
  let replicas: TestServers
  let proxy: FaultProxy
  beforeEach(async () => {
    ring = await ChangingRing.start({
      keys: 1_000,
      args: soon,
      urlOf: async ({ servers }, index) => {
        if (index < 2) return servers[index]!.url
        proxy = await startFaultProxy(servers[index]!.port)
        return proxy.url
      },
    })
    replicas = await startServers(3, { args: soon })
  })
  afterEach(async () => {
    await ring.stop()
    await replicas.stop()
    await proxy.close()
  })

  async function replicate(): Promise<void> {
    for (const index of [0, 1, 2]) {
      const replica = await replicas.connect(index)
      await replica.call('CONFIG', 'SET', 'repl-diskless-load', 'on-empty-db')
      await replica.call('REPLICAOF', '127.0.0.1', ring.servers.servers[index]!.port)
    }
    for (const index of [0, 1, 2]) {
      const primary = await ring.servers.connect(index)
      while (Number(await primary.call('WAIT', 1, 1_000)) < 1) await systemClock.sleep(20)
    }
  }

  it('fault-15: fewer replicas than asked for, or one that stands still: nothing leaves its source unconfirmed', async () => {
    await ring.fails(ring.add(...waiting), 5, /node n1 has 0 replicas, --wait-replicas asks for 1/)
    await replicate()
    const before = await sizes(ring)
    process.kill(replicas.servers[2]!.pid, 'SIGSTOP')
    await ring.fails(
      ring.add(...waiting),
      6,
      /node n3 .*: fewer than 1 replicas confirmed within \d+ ms[\s\S]*Nothing was removed at the source[\s\S]*ring resume/,
    )
    assert.deepEqual((await sizes(ring)).slice(0, 2), before.slice(0, 2))
    process.kill(replicas.servers[2]!.pid, 'SIGCONT')
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })

  it('fault-15: the target fails over in the middle, and again afterwards: what left its source is there', async () => {
    await replicate()
    const slowly = ['--connections', '1', '--max-keys-per-sec', '300']
    const { result } = await ring.startUntil(ring.add(...waiting, ...slowly), 100)
    await failOver()
    assertFailed(await result, 5, /node n3 .*: this is not the server that it was .*run_id[\s\S]*ring resume/)
    // the promoted one has no replica yet
    await ring.fails(ring.resume(), 5, /node n3 has 0 replicas/)
    await ring.servers.restart(2)
    const former = await ring.servers.connect(2)
    await former.call('REPLICAOF', '127.0.0.1', replicas.servers[2]!.port)
    const promoted = await replicas.connect(2)
    while (Number(await promoted.call('WAIT', 1, 1_000)) < 1) await systemClock.sleep(20)
    await ring.succeeds(ring.resume())
    await replicas.kill(2)
    await former.call('REPLICAOF', 'NO', 'ONE')
    proxy.lead(ring.servers.servers[2]!.port, { cut: true })
    await ring.assertIntact()
  })

  it('fault-37: a target that is a replica: refused by name before anything moves', async () => {
    const target = await ring.servers.connect(2)
    await target.call('REPLICAOF', '127.0.0.1', replicas.servers[0]!.port)
    await ring.fails(
      ring.add(),
      5,
      /node n3 is a readonly replica; name its primary[\s\S]*Nothing was changed/,
    )
  })

  it('fault-37: a target that becomes a replica in the middle: READONLY is named, nothing is lost', async () => {
    const slowly = ['--connections', '1', '--max-keys-per-sec', '300']
    const { result } = await ring.startUntil(ring.add(...slowly), 100)
    const target = await ring.servers.connect(2)
    // of a primary that is away: it keeps its data, and takes no writes
    await target.call('REPLICAOF', '127.0.0.1', 1)
    assertFailed(await result, 5, /node n3 .*READONLY[\s\S]*is a replica[\s\S]*ring resume/)
    await target.call('REPLICAOF', 'NO', 'ONE')
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })

  async function failOver(): Promise<void> {
    await ring.servers.kill(2)
    const replica: RespConnection = await replicas.connect(2)
    await replica.call('REPLICAOF', 'NO', 'ONE')
    proxy.lead(replicas.servers[2]!.port, { cut: true })
  }
})

/** How many keys each node has. */
async function sizes({ servers }: ChangingRing): Promise<number[]> {
  const connections = await Promise.all(servers.servers.map((_, index) => servers.connect(index)))
  return Promise.all(
    connections.map(async (connection) => {
      const all = await connection.call('KEYS', 'k*')
      return Array.isArray(all) ? all.length : 0
    }),
  )
}
