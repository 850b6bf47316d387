import assert from 'node:assert/strict'
import { createDescriber } from '../../../src/redis/hotkeys/describe.js'
import { startServers, type TestServers } from '../../support/redis-servers.js'

describe('what a node says about keys', () => {
  let servers: TestServers
  const keys = ['text', 'hash', '\xff\r\n', 'absent'].map((name) => Buffer.from(name, 'latin1'))

  before(async () => {
    servers = await startServers(1)
    const connection = await servers.connect(0)
    await connection.call('SET', keys[0]!, 'x'.repeat(100), 'PX', 60_000)
    await connection.call('HSET', keys[1]!, 'field', 'y'.repeat(5_000))
    await connection.call('SET', keys[2]!, '')
    await connection.call('ACL', 'SETUSER', 'half', 'on', '>pw', '~*', '-@all', '+exists', '+pttl')
    await connection.call('ACL', 'SETUSER', 'none', 'on', '>pw', '~*', '-@all')
  })
  after(() => servers.stop())

  const asUser = (username: string) =>
    createDescriber([{ node: { ...servers.servers[0]!.node, username }, password: 'pw' }])

  it('is type, time to live and size, in the order of the keys', async () => {
    const { node } = servers.servers[0]!
    const [text, hash, odd, absent] = await createDescriber([{ node }]).describe(node.id, keys)
    assert.ok(typeof text!.ttlMs === 'number' && text!.ttlMs > 0 && text!.ttlMs <= 60_000)
    assert.deepEqual({ ...text, ttlMs: 1 }, { exists: true, type: 'string', ttlMs: 1, sizeBytes: 100 })
    assert.deepEqual({ ...hash, sizeBytes: 1 }, { exists: true, type: 'hash', ttlMs: null, sizeBytes: 1 })
    assert.ok(hash!.sizeBytes! > 5_000)
    assert.deepEqual(odd, { exists: true, type: 'string', ttlMs: null, sizeBytes: 0 })
    assert.deepEqual(absent, { exists: false })
  })

  it('is what the user may ask, and nothing where that is nothing', async () => {
    const { id } = servers.servers[0]!
    const [text, , , absent] = await asUser('half').describe(id, keys)
    assert.deepEqual(Object.keys(text!).sort(), ['exists', 'ttlMs'])
    assert.deepEqual(absent, { exists: false })
    assert.deepEqual(await asUser('none').describe(id, keys.slice(0, 1)), [{}])
  })

  it('is nothing when the node has gone', async () => {
    const alone = await startServers(1)
    const { node } = alone.servers[0]!
    await alone.stop()
    assert.deepEqual(await createDescriber([{ node }]).describe(node.id, keys), [])
  })
})
