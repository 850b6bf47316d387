import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { moveBatch } from '../../src/redis/move-keys.js'
import type { Command } from '../../src/redis/resp.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { awkwardKey, createCommands, fingerprint } from '../support/data-set.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const options = { bigKeyBytes: 1_048_576 }

describe('the fenced copy', () => {
  let servers: TestServers
  let source: RespConnection
  let target: RespConnection
  /** Connections of somebody else, who reads and writes meanwhile. */
  let atSource: RespConnection
  let atTarget: RespConnection

  before(async () => {
    servers = await startServers(2)
    atSource = await servers.connect(0)
    atTarget = await servers.connect(1)
  })
  after(() => servers.stop())
  beforeEach(async () => {
    await Promise.all([atSource.call('FLUSHALL'), atTarget.call('FLUSHALL')])
    source = await servers.connect(0)
    target = await servers.connect(1)
  })

  const key = Buffer.from('k\0\r\n\xff', 'latin1')
  const value = async (connection: RespConnection) => {
    const reply = await connection.call('GET', key)
    return reply === null ? null : String(reply)
  }

  /** Runs `act` once, right before the first pipeline that has a command of that name is sent. */
  function before1(connection: RespConnection, name: string, act: () => Promise<unknown>): RespConnection {
    let done = false
    return new Proxy(connection, {
      get(real, property, proxy) {
        if (property !== 'send') return Reflect.get(real, property, proxy)
        return async (commands: readonly Command[]) => {
          if (!done && commands.some(([command]) => command === name)) {
            done = true
            await act()
          }
          return real.send(commands)
        }
      },
    })
  }

  it('carries every type, with its expiry, under awkward names', async () => {
    const keys = Array.from({ length: 60 }, (_, index) => awkwardKey(index))
    for (const index of keys.keys()) await atSource.send(createCommands(index, systemClock.wallMs()))
    const original = await fingerprint(atSource)
    const outcome = await moveBatch({ source, target }, keys, options)
    assert.equal(outcome.movedCount, 60)
    assert.deepEqual(outcome.conflicts, [])
    assert.equal(await atSource.call('DBSIZE'), 0)
    assert.deepEqual(await fingerprint(atTarget), original)
  })

  it('carries a stream with its consumer groups', async () => {
    await atSource.send([
      ['XADD', key, '1-1', 'f', 'v'],
      ['XGROUP', 'CREATE', key, 'group', '0'],
      ['XREADGROUP', 'GROUP', 'group', 'consumer', 'STREAMS', key, '>'],
    ])
    await moveBatch({ source, target }, [key], options)
    const pending = await atTarget.call('XPENDING', key, 'group')
    assert.equal(Array.isArray(pending) && pending[0], 1)
  })

  it('does not count keys that are gone', async () => {
    const outcome = await moveBatch({ source, target }, [key], options)
    assert.deepEqual(outcome, { movedCount: 0, movedBytes: 0, conflicts: [], big: [] })
  })

  it('settles a key that the target has already, with the same value', async () => {
    await Promise.all([atSource.call('SET', key, 'v'), atTarget.call('SET', key, 'v')])
    assert.equal((await moveBatch({ source, target }, [key], options)).movedCount, 1)
    assert.deepEqual([await value(atSource), await value(atTarget)], [null, 'v'])
  })

  it('leaves both copies alone when they differ, in value or in expiry', async () => {
    await Promise.all([atSource.call('SET', key, 'a'), atTarget.call('SET', key, 'b')])
    const outcome = await moveBatch({ source, target }, [key], options)
    assert.deepEqual(outcome, { movedCount: 0, movedBytes: 0, conflicts: [key], big: [] })
    assert.deepEqual([await value(atSource), await value(atTarget)], ['a', 'b'])
    await atTarget.call('SET', key, 'a', 'EX', 100)
    assert.deepEqual((await moveBatch({ source, target }, [key], options)).conflicts, [key])
  })

  for (const step of ['DUMP', 'UNLINK']) {
    it(`carries what was written at the source right before ${step}`, async () => {
      await atSource.call('SET', key, 'old')
      const watched = before1(source, step, () => atSource.call('SET', key, 'new'))
      const outcome = await moveBatch({ source: watched, target }, [key], options)
      assert.equal(outcome.movedCount, 1)
      assert.deepEqual([await value(atSource), await value(atTarget)], [null, 'new'])
    })
  }

  it('keeps what was written at the target while the copy was under way', async () => {
    await atSource.call('SET', key, 'old')
    const watched = before1(target, 'RESTORE', () => atTarget.call('SET', key, 'newer'))
    const outcome = await moveBatch({ source, target: watched }, [key], options)
    assert.deepEqual(outcome.conflicts, [key])
    assert.deepEqual([await value(atSource), await value(atTarget)], ['old', 'newer'])
  })

  it('does not bring back a key that another run moved and a client deleted meanwhile', async () => {
    await atSource.call('SET', key, 'old')
    await atTarget.call('CONFIG', 'RESETSTAT')
    const slow = before1(target, 'RESTORE', async () => {
      const other = { source: await servers.connect(0), target: await servers.connect(1) }
      assert.equal((await moveBatch(other, [key], options)).movedCount, 1)
      await atTarget.call('DEL', key)
    })
    const outcome = await moveBatch({ source, target: slow }, [key], options)
    assert.equal(outcome.movedCount, 0)
    assert.deepEqual([await value(atSource), await value(atTarget)], [null, null])
    // not even for a moment: the slow run's RESTORE was never executed
    assert.match(String(await atTarget.call('INFO', 'commandstats')), /cmdstat_restore:calls=1,/)
  })

  it('stops with the key at the source when the target refuses it', async () => {
    await atSource.call('SET', key, 'x'.repeat(100_000))
    await atTarget.call('CONFIG', 'SET', 'maxmemory', '1')
    try {
      await assert.rejects(moveBatch({ source, target }, [key], options), { exitCode: 6, message: /OOM/ })
      assert.equal(await atSource.call('EXISTS', key), 1)
    } finally {
      await atTarget.call('CONFIG', 'SET', 'maxmemory', '0')
    }
  })

  for (const end of ['source', 'target'] as const) {
    for (const step of ['WATCH', 'DUMP', 'RESTORE', 'EXEC', 'UNLINK']) {
      it(`loses nothing when the ${end}'s connection is cut before ${step}`, async () => {
        const keys = Array.from({ length: 12 }, (_, index) => awkwardKey(index))
        for (const index of keys.keys()) await atSource.send(createCommands(index, systemClock.wallMs()))
        const original = await fingerprint(atSource)
        const pair = { source, target }
        const cut = { ...pair, [end]: before1(pair[end], step, async () => pair[end].close()) }
        await moveBatch(cut, keys, options).catch((error: unknown) => {
          assert.match(String(error), /connection/)
        })
        const second = { source: await servers.connect(0), target: await servers.connect(1) }
        await moveBatch(second, keys, options)
        assert.equal(await atSource.call('DBSIZE'), 0)
        assert.deepEqual(await fingerprint(atTarget), original)
      })
    }
  }
})
