import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { sweepStaging } from '../../src/redis/move-big-key.js'
import { moveBatch } from '../../src/redis/move-keys.js'
import type { Command } from '../../src/redis/resp.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { fingerprint } from '../support/data-set.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const options = { bigKeyBytes: 1_024 }
const elementCount = 3_000
const key = Buffer.from('big\0\xff', 'latin1')

/** Elements 0 to 2,999, added 500 a command. */
function adding(command: string, element: (index: number) => (string | number)[]): Command[] {
  return Array.from({ length: elementCount / 500 }, (_, batch) => [
    command,
    key,
    ...Array.from({ length: 500 }, (_, index) => element(batch * 500 + index)).flat(),
  ])
}

const big: Record<string, Command[]> = {
  string: [['SET', key, Buffer.alloc(700_000, '\0\xff', 'latin1')]],
  hash: adding('HSET', (index) => [`f${index}`, `v${index}`]),
  list: adding('RPUSH', (index) => [`e${index}`]),
  set: adding('SADD', (index) => [`m${index}`]),
  zset: adding('ZADD', (index) => [index / 3, `m${index}`]),
  stream: [
    ...Array.from(
      { length: elementCount },
      (_, index): Command => ['XADD', key, `${index + 1}-0`, 'f', `v${index}`],
    ),
    ['XDEL', key, '5-0', `${elementCount}-0`],
  ],
}

describe('a big key, by chunks', () => {
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

  /** What two servers must agree on: hashes and sets in any order. */
  async function content(connection: RespConnection): Promise<unknown> {
    const sorted = (reply: unknown) => (Array.isArray(reply) ? reply.map(String).sort() : reply)
    const type = await connection.call('TYPE', key)
    if (type === 'hash') return sorted(await connection.call('HGETALL', key))
    if (type === 'stream') {
      const info = await connection.call('XINFO', 'STREAM', key)
      const fields = Array.isArray(info) ? info.map(String) : []
      const counters = ['length', 'last-generated-id', 'max-deleted-entry-id', 'entries-added']
      return [
        String(await connection.call('XRANGE', key, '-', '+')),
        counters.map((name) => fields[fields.indexOf(name) + 1]),
      ]
    }
    return (await fingerprint(connection)).get(key.toString('latin1'))?.dump
  }

  for (const [type, commands] of Object.entries(big)) {
    for (const expires of [false, true]) {
      it(`${type}${expires ? ' that expires' : ''}: whole at the target, gone at the source, no scaffold left`, async () => {
        await source.send(commands)
        const expiresAtMs = expires ? systemClock.wallMs() + 3_600_000 : -1
        if (expires) await source.call('PEXPIREAT', key, expiresAtMs)
        const original = await content(source)
        const outcome = await moveBatch({ source, target }, [key], options)
        assert.equal(outcome.movedCount, 1)
        assert.deepEqual(await content(target), original)
        assert.equal(await target.call('PEXPIRETIME', key), expiresAtMs)
        assert.equal(await source.call('DBSIZE'), 0)
        assert.equal(await target.call('DBSIZE'), 1)
      })
    }

    it(`${type}: a second copy with the same content is settled, another content is a conflict`, async () => {
      await source.send(commands)
      await target.send(commands)
      assert.equal((await moveBatch({ source, target }, [key], options)).movedCount, 1)
      assert.equal(await source.call('DBSIZE'), 0)
      await source.send(commands)
      await target.call('DEL', key)
      await target.call('SET', key, 'something else')
      assert.deepEqual((await moveBatch({ source, target }, [key], options)).conflicts, [key])
      assert.equal(await source.call('EXISTS', key), 1)
      assert.equal(String(await target.call('GET', key)), 'something else')
      assert.equal(await target.call('DBSIZE'), 1)
    })
  }

  it('what a killed run left half-made is swept away, and nothing else', async () => {
    const left = Buffer.concat([Buffer.from('__cachectl:mv:0a1b2c3d:'), key])
    await target.send([
      ['HSET', left, 'f1', 'stale'],
      ['SET', '__cachectl:gate', '5'],
      ['SET', 'mine', 'v'],
    ])
    await sweepStaging(target)
    assert.equal(await target.call('EXISTS', left), 0)
    assert.equal(await target.call('EXISTS', 'mine', '__cachectl:gate'), 2)
  })

  it('says why a stream with consumer groups does not go by chunks, and leaves it', async () => {
    await source.send(big.stream!)
    await source.call('XGROUP', 'CREATE', key, 'group', '0')
    await assert.rejects(moveBatch({ source, target }, [key], options), {
      exitCode: 6,
      message: /consumer groups/,
    })
    assert.equal(await source.call('EXISTS', key), 1)
  })
})
