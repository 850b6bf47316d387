import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { sweepStaging } from '../../src/redis/move-big-key.js'
import { moveBatch } from '../../src/redis/move-keys.js'
import type { LiveMoveOutcome } from '../../src/redis/move-live.js'
import { fenceKey } from '../../src/redis/operator-fence.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { interpose } from '../support/interpose.js'
import { moveWhole } from '../support/move-whole.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const key = Buffer.from('k\0\xff', 'latin1')
const small = { bigKeyBytes: 1_048_576 }
const big = { bigKeyBytes: 1_024 }
const members = Array.from({ length: 600 }, (_, index) => `m${index}`)

describe('keys that somebody touches while they move', () => {
  let servers: TestServers
  let source: RespConnection
  let target: RespConnection
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

  const exists = (connection: RespConnection) => connection.call('EXISTS', key)

  for (const [type, fill, write] of [
    ['set', ['SADD', ...members], ['SADD', 'late']],
    ['hash', ['HSET', ...members.flatMap((name) => [name, 'v'])], ['HSET', 'late', 'v']],
  ] as const) {
    it(`the fenced copy carries what was added to a big-table ${type} right before its removal`, async () => {
      const [create, ...elements] = fill
      const [add, ...late] = write
      await atSource.call(create, key, ...elements)
      const touched = interpose(source, 'UNLINK', () => atSource.call(add, key, ...late))
      const outcome = await moveBatch({ source: touched, target }, [key], small)
      assert.deepEqual(outcome.conflicts, [])
      assert.equal(await exists(atSource), 0)
      assert.equal(await atTarget.call(type === 'set' ? 'SISMEMBER' : 'HEXISTS', key, 'late'), 1)
    })
  }

  it('a big key written at the source at the last moment: both copies are kept, as a conflict', async () => {
    await atSource.call('SET', key, 'a'.repeat(5_000))
    const touched = interpose(source, 'UNLINK', () => atSource.call('SETRANGE', key, 0, 'b'))
    const outcome = await moveBatch({ source: touched, target }, [key], big)
    assert.deepEqual(outcome, { movedCount: 0, movedBytes: 0, conflicts: [key], big: [] })
    assert.equal(String(await atSource.call('GETRANGE', key, 0, 1)), 'ba')
    assert.equal(String(await atTarget.call('GETRANGE', key, 0, 1)), 'aa')
  })

  it('a big key that expires in mid-copy is not counted and no failure', async () => {
    await atSource.call('SET', key, 'a'.repeat(5_000), 'PX', 300)
    const slow = interpose(target, 'PEXPIREAT', async () => {
      while ((await exists(atSource)) === 1) await systemClock.sleep(5)
    })
    const outcome = await moveBatch({ source, target: slow }, [key], big)
    assert.deepEqual(outcome, { movedCount: 0, movedBytes: 0, conflicts: [], big: [] })
    assert.equal(await atTarget.call('DBSIZE'), 0)
  })

  describe('by MOVE of a live change', () => {
    it('the value at the target is the newer one', async () => {
      await Promise.all([atSource.call('SET', key, 'old'), atTarget.call('SET', key, 'newer')])
      await moveWhole({ source, target }, [key], small)
      assert.equal(await exists(atSource), 0)
      assert.equal(String(await atTarget.call('GET', key)), 'newer')
    })

    for (const command of ['SET', 'DEL'] as const) {
      it(`a ${command} at the target while the copy is under way is never undone`, async () => {
        await Promise.all([atSource.call('SET', key, 'old'), atTarget.call('SET', key, 'newer')])
        const late: [string, ...string[]] = command === 'SET' ? ['newest'] : ['other']
        const touched = interpose(target, 'RESTORE', async () => {
          await source.call('UNLINK', key) // another mover has finished
          await atTarget.call(command, key, ...late)
        })
        await moveWhole({ source, target: touched }, [key], small)
        const left = await atTarget.call('GET', key)
        assert.equal(left && String(left), command === 'SET' ? 'newest' : null)
      })
    }

    it('an operator whose lease has gone moves nothing', async () => {
      await atSource.call('SET', key, 'v')
      await Promise.all([atSource.call('SET', fenceKey, 8), atTarget.call('SET', fenceKey, 8)])
      await assert.rejects(moveWhole({ source, target }, [key], { ...small, token: 7 }), {
        exitCode: 5,
        message: /FENCED/,
      })
      assert.deepEqual([await exists(atSource), await exists(atTarget)], [1, 0])
    })

    it('a big key leaves the source only when the target has it: its half-made copy was swept away', async () => {
      await atSource.call('SET', key, 'a'.repeat(5_000))
      const swept = interpose(target, 'RENAMENX', () => sweepStaging(atTarget))
      await moveWhole({ source, target: swept }, [key], big).catch(() => undefined)
      assert.equal(Number(await exists(atSource)) + Number(await exists(atTarget)), 1)
    })

    it('a piece of an earlier attempt that arrives late gets into no big key', async () => {
      await atSource.call('SET', key, 'a'.repeat(5_000))
      const late = interpose(target, 'RENAMENX', async () => {
        const [staging] = (await atTarget.call('KEYS', '__cachectl:mv:*')) as Buffer[]
        await atTarget.call('APPEND', staging!, 'late')
      })
      await moveWhole({ source, target: late }, [key], big)
      await moveWhole({ source, target: late }, [key], big)
      assert.equal(String(await atTarget.call('GET', key)), 'a'.repeat(5_000))
      assert.deepEqual([await exists(atSource), await atTarget.call('DBSIZE')], [0, 1])
    })

    it('a big key that two batches of one run carry at once stays whole', async () => {
      const names = Array.from({ length: 6_000 }, (_, index) => [`f${index}`, 'v']).flat()
      await atSource.call('HSET', key, ...names)
      const pair = { source: await servers.connect(0), target: await servers.connect(1) }
      let second: unknown
      const overtaken = interpose(target, 'RENAMENX', async () => {
        second = await moveWhole(pair, [key], big)
      })
      await moveWhole({ source, target: overtaken }, [key], big)
      assert.equal((second as LiveMoveOutcome).movedCount, 0)
      assert.deepEqual([await exists(atSource), await atTarget.call('HLEN', key)], [0, names.length / 2])
    })

    it('a big stream leaves the source only whole: the target was out of memory for a moment', async () => {
      const ids = Array.from({ length: 1_200 }, (_, index) => `${index + 1}-0`)
      await atSource.send(ids.map((id) => ['XADD', key, id, 'f', 'some value']))
      const limit = (bytes: string) => atTarget.call('CONFIG', 'SET', 'maxmemory', bytes)
      const full = interpose(target, 'XADD', () => limit('1'), 2)
      const freed = interpose(full, 'XADD', () => limit('0'), 3)
      try {
        await moveWhole({ source, target: freed }, [key], big).catch(() => undefined)
      } finally {
        await limit('0')
      }
      const holder = (await exists(atSource)) === 1 ? atSource : atTarget
      assert.equal(await holder.call('XLEN', key), ids.length)
    })
  })
})
