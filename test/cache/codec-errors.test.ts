/** What a codec can't write or read costs a value its place in the cache, never a caller its answer. */
import assert from 'node:assert/strict'
import { messagePackCodec } from '../../src/cache/codecs/message-pack.js'
import { CachectlError, ExitCode } from '../../src/errors.js'
import { type CreateCacheOptions, createCache } from '../../src/open-cache.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

interface Row {
  readonly count: number | bigint
}

describe('a cache whose codec fails', () => {
  let servers: TestServers
  const closings: (() => Promise<void>)[] = []

  before(async () => {
    servers = await startServers(1)
  })
  afterEach(async () => {
    for (const close of closings.splice(0)) await close()
  })
  after(() => servers.stop())

  function open(options: Partial<CreateCacheOptions<Row>> = {}) {
    const errors: unknown[] = []
    const cache = createCache<Row>({
      ring: servers.servers[0]!.url,
      ttl: '1m',
      ...options,
      on: { error: (error) => errors.push(error) },
    })
    closings.push(() => cache.close())
    return { cache, errors }
  }

  it("serves what it can't write, says so, and leaves no lease behind", async () => {
    const { cache, errors } = open()
    const raw = await servers.connect(0)
    for (let round = 1; round <= 2; round++) {
      assert.deepEqual(await cache.get('big\n', () => ({ count: 1n })), { count: 1n })
      assert.equal(await raw.call('GET', 'cache:big\n'), null)
      assert.equal(errors.length, round)
      assert.ok(
        errors.every((error) => error instanceof CachectlError && /big\\n.*BigInt/.test(error.message)),
      )
    }
    assert.equal(cache.stats.codecErrors, 2)
    assert.equal(cache.stats.waits, 0)
  })

  it("refuses to set what it can't write, before the source of truth is written", async () => {
    const written: string[] = []
    const { cache } = open({
      version: ({ count }) => Number(count),
      write: async (batch) => {
        written.push(...batch.keys())
      },
    })
    const refusal = (error: unknown) =>
      error instanceof CachectlError && error.exitCode === ExitCode.invalid && /row:1/.test(error.message)
    await assert.rejects(cache.set('row:1', { count: 1n }), refusal)
    await assert.rejects(cache.set('row:1', { count: -1 }), refusal)
    await assert.rejects(open().cache.set('row:1', { count: 1n }), refusal)
    assert.deepEqual(written, [])
    await cache.set('row:1', { count: 1 })
    assert.deepEqual(written, ['row:1'])
  })

  it('loads anew what is damaged, and says which', async () => {
    const { cache, errors } = open({ l1: false })
    const raw = await servers.connect(0)
    await cache.get('torn', () => ({ count: 1 }))
    await raw.call('APPEND', 'cache:torn', '}')
    assert.deepEqual(await cache.get('torn', () => ({ count: 2 })), { count: 2 })
    assert.match(String(errors[0]), /the value of torn can't be read/)
    assert.deepEqual(await cache.get('torn', () => ({ count: 3 })), { count: 2 })
    await raw.call('SET', 'cache:torn', 'V0000000000000000')
    assert.deepEqual(await cache.get('torn', () => ({ count: 4 })), { count: 4 })
    assert.equal(errors.length, 1)
  })

  it('loads anew what another codec wrote: a change of codec needs no flush', async () => {
    const { cache: json } = open()
    const { cache: packed, errors } = open({ codec: messagePackCodec() })
    await json.get('both', () => ({ count: 1 }))
    assert.deepEqual(await packed.get('both', () => ({ count: 2 })), { count: 2 })
    assert.deepEqual(errors, [])
  })

  it('refuses codecs whose id does not fit', () => {
    for (const id of [0, 1.5, 256])
      assert.throws(() => open({ codec: { ...messagePackCodec(), id } }), /codec: its id is/)
  })
})
