import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { moveBatch } from '../../src/redis/move-keys.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { ChangingRing, preload } from '../support/changing-ring.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { interpose } from '../support/interpose.js'
import { moveWhole } from '../support/move-whole.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('clocks and expiry in a change', () => {
  let ring: ChangingRing
  let proxies: FaultProxy[]
  before(async () => {
    proxies = []
    ring = await ChangingRing.start({
      keys: 1_000,
      urlOf: async ({ servers }, index) => {
        proxies[index] = await startFaultProxy(servers[index]!.port)
        return proxies[index].url
      },
    })
  })
  after(async () => {
    await ring.stop()
    await Promise.all(proxies.map((proxy) => proxy.close()))
  })
  afterEach(async () => {
    for (const proxy of proxies) proxy.liftAll()
    await ring.home()
  })

  it('fault-28: the operator’s wall clock jumps an hour on and two back: ends with 0, no client is fenced', async () => {
    const clients = await ring.startClients(2)
    try {
      const { stdout } = await ring.succeeds(ring.add('--json', '--max-keys-per-sec', '1000'), {
        NODE_OPTIONS: preload('jumping-clock'),
      })
      assert.deepEqual(JSON.parse(stdout).fencedClients, [])
      await clients.assertKept()
      await ring.assertIntact()
    } finally {
      await clients.end()
    }
  })

  /** The node tells a time that is so many seconds off. */
  function skew(index: number, seconds: number): void {
    proxies[index]!.set({
      kind: 'rewrite',
      on: 'to-client',
      edit: (chunk) =>
        Buffer.from(
          chunk
            .toString('latin1')
            .replace(/^(\*2\r\n\$10\r\n)(\d{10})/, (_, head, time) => `${head}${Number(time) + seconds}`),
          'latin1',
        ),
    })
  }

  for (const [index, seconds, ahead] of [
    [2, 5, 'n3'],
    [0, -5, 'n[23]'],
  ] as const) {
    it(`fault-29: a node whose clock is ${seconds} s off: refused before anything moves, and named`, async () => {
      skew(index, seconds)
      await ring.fails(
        ring.add(),
        5,
        new RegExp(
          `the clock of node ${ahead} is [45]\\.\\d s ahead of another node's; synchronize[\\s\\S]*Nothing was changed`,
        ),
      )
      assert.equal(await (await ring.servers.connect(2)).call('DBSIZE'), 0)
    })
  }
})

describe('one key’s expiry in a move', () => {
  const key = Buffer.from('k\0\xff', 'latin1')
  const small = { bigKeyBytes: 1_048_576 }
  let servers: TestServers
  let source: RespConnection
  let target: RespConnection
  before(async () => {
    servers = await startServers(2)
  })
  after(() => servers.stop())
  beforeEach(async () => {
    source = await servers.connect(0)
    target = await servers.connect(1)
    await Promise.all([source.call('FLUSHALL'), target.call('FLUSHALL')])
  })

  const untilExpired = async () => {
    const look = await servers.connect(0)
    while ((await look.call('EXISTS', key)) === 1) await systemClock.sleep(2)
  }

  for (const [name, move] of [
    ['MOVE of a live change', moveWhole],
    ['the fenced copy', moveBatch],
  ] as const) {
    it(`fault-29: ${name}, RESTORE with a time that is past at the target: never in place of a value there`, async () => {
      await source.call('SET', key, 'old', 'PX', 100)
      const late = interpose(target, 'RESTORE', async () => {
        await untilExpired()
        await (await servers.connect(1)).call('SET', key, 'newer')
      })
      await move({ source, target: late }, [key], small)
      assert.equal(String(await target.call('GET', key)), 'newer')
      assert.equal(await source.call('EXISTS', key), 0)
    })

    it(`fault-35: ${name}, a key that expires between DUMP and RESTORE is gone, and no failure`, async () => {
      await source.call('SET', key, 'v', 'PX', 100)
      const late = interpose(target, 'RESTORE', untilExpired)
      await move({ source, target: late }, [key], small)
      assert.deepEqual([await source.call('DBSIZE'), await target.call('DBSIZE')], [0, 0])
    })

    it(`fault-35: ${name}, expiry times arrive to the millisecond; none stays none`, async () => {
      const times = { never: -1, hour: systemClock.wallMs() + 3_600_123, century: 4_102_444_800_001 }
      for (const [name, at] of Object.entries(times)) {
        await source.call('SET', name, 'v')
        if (at > 0) await source.call('PEXPIREAT', name, at)
      }
      await source.call('SET', 'moment', 'v', 'PX', 1)
      const names = [...Object.keys(times), 'moment'].map((each) => Buffer.from(each))
      await move({ source, target }, names, small)
      for (const [name, at] of Object.entries(times))
        assert.equal(await target.call('PEXPIRETIME', name), at, name)
      while ((await target.call('EXISTS', 'moment')) === 1) await systemClock.sleep(1)
      assert.deepEqual([await source.call('DBSIZE'), await target.call('DBSIZE')], [0, 3])
    })
  }
})
