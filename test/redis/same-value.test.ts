import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import type { Command } from '../../src/redis/resp.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { sameValue } from '../../src/redis/same-value.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const key = Buffer.from('k\0\xff', 'latin1')
/** Enough for a hash table, whose order follows its server's seed. */
const names = Array.from({ length: 600 }, (_, index) => `m${index}`)
const backwards = [...names].reverse()
const fields = (from: readonly string[]) => from.flatMap((name) => [name, `v${name}`])

describe('one value on two servers', () => {
  let servers: TestServers
  let source: RespConnection
  let target: RespConnection
  before(async () => {
    servers = await startServers(2)
    source = await servers.connect(0)
    target = await servers.connect(1)
  })
  after(() => servers.stop())
  beforeEach(() => Promise.all([source.call('FLUSHALL'), target.call('FLUSHALL')]))

  async function same(ours: readonly Command[], theirs: readonly Command[]): Promise<boolean> {
    await source.send(ours)
    await target.send(theirs)
    const payload = await source.call('DUMP', key)
    assert.ok(Buffer.isBuffer(payload))
    const expiresAtMs = Math.max(0, Number(await source.call('PEXPIRETIME', key)))
    return sameValue({ source, target }, { key, payload, expiresAtMs })
  }

  const equal: Record<string, [Command, Command]> = {
    'sets, in whatever order they grew': [
      ['SADD', key, ...names],
      ['SADD', key, ...backwards],
    ],
    'small sets': [
      ['SADD', key, 'a', 'b'],
      ['SADD', key, 'b', 'a'],
    ],
    'hashes, in whatever order they grew': [
      ['HSET', key, ...fields(names)],
      ['HSET', key, ...fields(backwards)],
    ],
    'sorted sets': [
      ['ZADD', key, 1.5, 'a', 2, 'b'],
      ['ZADD', key, 2, 'b', 1.5, 'a'],
    ],
    streams: [
      ['XADD', key, '1-1', 'f', 'v'],
      ['XADD', key, '1-1', 'f', 'v'],
    ],
  }
  for (const [name, [ours, theirs]] of Object.entries(equal)) {
    it(`is found equal: ${name}`, async () => {
      assert.equal(await same([ours], [theirs]), true)
    })
  }

  const different: Record<string, [Command, Command]> = {
    'a set that lacks a member': [
      ['SADD', key, ...names],
      ['SADD', key, ...names.slice(1)],
    ],
    'a hash with another value': [
      ['HSET', key, ...fields(names)],
      ['HSET', key, ...fields(names), 'm1', 'other'],
    ],
    'hashes whose bytes only run together alike': [
      ['HSET', key, 'a', 'bc'],
      ['HSET', key, 'ab', 'c'],
    ],
    'a list in another order': [
      ['RPUSH', key, 'a', 'b'],
      ['RPUSH', key, 'b', 'a'],
    ],
    'a sorted set with another score': [
      ['ZADD', key, 1, 'a'],
      ['ZADD', key, 2, 'a'],
    ],
    'nothing at the target': [['SET', key, 'v'], ['PING']],
  }
  for (const [name, [ours, theirs]] of Object.entries(different)) {
    it(`is found different: ${name}`, async () => {
      assert.equal(await same([ours], [theirs]), false)
    })
  }

  const alike: Record<string, [Command, Command]> = {
    'a string and a list': [
      ['SET', key, 'x'],
      ['RPUSH', key, 'x'],
    ],
    'a set and a list': [
      ['SADD', key, 'x'],
      ['RPUSH', key, 'x'],
    ],
    'a list and a sorted set': [
      ['RPUSH', key, 'a', '1'],
      ['ZADD', key, 1, 'a'],
    ],
  }
  for (const [name, [ours, theirs]] of Object.entries(alike)) {
    it(`is found different although the elements read alike: ${name}`, async () => {
      assert.equal(await same([ours], [theirs]), false)
    })
  }

  it('is different when it expires at another time, or never', async () => {
    const atMs = systemClock.wallMs() + 3_600_000
    const value: Command = ['SET', key, 'v']
    assert.equal(await same([value, ['PEXPIREAT', key, atMs]], [value, ['PEXPIREAT', key, atMs]]), true)
    assert.equal(await same([], [['PEXPIREAT', key, atMs + 1]]), false)
    assert.equal(await same([], [['PERSIST', key]]), false)
  })
})
