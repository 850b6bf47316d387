/** The cache on real servers: Redis below it, PostgreSQL as its source of truth. */
import assert from 'node:assert/strict'
import { createVerifier } from '../../src/cache/verify.js'
import { systemClock } from '../../src/clock.js'
import { createCache } from '../../src/open-cache.js'
import { type PostgresSource, postgresSource } from '../../src/sources/postgres.js'
import { findPostgres, type Postgres, startPostgres } from '../support/postgres.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

interface Item {
  readonly name: string
  readonly version: number
}

describe('a cache on Redis in front of PostgreSQL', function () {
  this.timeout(30_000)
  let server: Postgres
  let nodes: TestServers
  let source: PostgresSource<Item>

  before(async function () {
    const binaries = await findPostgres()
    if (!binaries) {
      console.log('      skipped: no PostgreSQL here (scripts/install-test-peers.sh, as root, installs one)')
      this.skip()
    }
    ;[server, nodes] = await Promise.all([startPostgres(binaries), startServers(2)])
    source = postgresSource<Item>({ connectionString: server.url, table: 'items', versionColumn: 'version' })
    await source.setUp({ table: true })
  })
  beforeEach(() => server.query('TRUNCATE items'))
  after(async () => {
    await source?.close()
    await Promise.all([server?.stop(), nodes?.stop()])
  })

  const insert = (key: string, name: string, version = 1) =>
    server.query('INSERT INTO items VALUES ($1, $2, $3)', [key, JSON.stringify({ name }), version])
  /** A busy machine is no node that is away. */
  const common = () =>
    ({ ring: nodes.servers.map(({ url }) => url), ttl: '1m', timeout: { l2: '5s' } }) as const

  it('aside and read-through: one load, then the cache; many by one query', async () => {
    const aside = createCache<Item>({ ...common(), namespace: 'aside' })
    const through = createCache<Item>({
      ...common(),
      namespace: 'through',
      negative: '1m',
      ...source,
    })
    try {
      await insert('a', 'A')
      await insert('b', 'B')
      assert.equal((await aside.get('a', source.load))?.name, 'A')
      assert.equal(await aside.get('none', source.load), undefined)
      await server.query(`UPDATE items SET value = '{"name": "behind its back"}'`)
      assert.equal((await aside.get('a', source.load))?.name, 'A')
      await aside.invalidate('a')
      assert.equal((await aside.get('a', source.load))?.name, 'behind its back')
      assert.deepEqual([...(await aside.getMany(['a', 'b', 'none'], source.loadMany)).keys()].sort(), [
        'a',
        'b',
      ])
      assert.equal(await through.get('none'), undefined)
      assert.equal(await through.get('none'), undefined)
      assert.equal((await through.get('b'))?.version, 1)
      assert.equal(through.stats.loads, 2)
      assert.deepEqual([...(await through.getMany(['a', 'b', 'none'])).keys()].sort(), ['a', 'b'])
    } finally {
      await Promise.all([aside.close(), through.close()])
    }
  })

  it('write-through with versions: the newer row stays, in the table and in the cache, whoever is late', async () => {
    const options = { ...common(), namespace: 'write', ...source } as const
    const [one, two] = [createCache<Item>(options), createCache<Item>(options)]
    try {
      await one.set('k', { name: 'one', version: 1 })
      assert.equal((await two.get('k'))?.name, 'one')
      await one.set('k', { name: 'three', version: 3 })
      await two.set('k', { name: 'late', version: 2 })
      assert.deepEqual(await source.load('k'), { name: 'three', version: 3 })
      assert.equal((await one.get('k'))?.name, 'three')
      assert.equal((await two.get('k'))?.name, 'three')
      // the cache took the new versions themselves: nothing was loaded for them
      assert.deepEqual([one.stats.loads, two.stats.loads], [0, 1])
      await one.set('k', null)
      // the other process hears of it a push later
      while (await two.get('k')) await systemClock.sleep(1)
      assert.deepEqual(await server.query('SELECT * FROM items'), [])
    } finally {
      await Promise.all([one.close(), two.close()])
    }
  })

  it('a row that its table refuses is an error of the writer, and the cache serves what the table has', async () => {
    const cache = createCache<Item>({ ...common(), namespace: 'refused', ...source })
    try {
      await cache.set('k', { name: 'good', version: 1 })
      await assert.rejects(cache.set('k', { name: 'nul\0', version: 2 }), { name: 'PoisonRowsError' })
      assert.equal((await cache.get('k'))?.name, 'good')
    } finally {
      await cache.close()
    }
  })

  it('what is served knowingly past its ttl is not held against the cache', async () => {
    const cache = createCache<Item>({ ...common(), namespace: 'old', ttl: '30ms', stale: '1m', ...source })
    const verifier = createVerifier(cache, { load: source.load, within: '5ms' })
    try {
      await insert('k', 'K')
      await cache.get('k')
      await server.query(`UPDATE items SET value = '{"name": "other"}'`)
      while ((await cache.look('k')).l2.kind === 'value') await systemClock.sleep(5)
      assert.equal(await verifier.check('k'), 'absent')
      assert.equal((await cache.get('k'))?.name, 'K')
    } finally {
      await cache.close()
    }
  })

  it('write-behind: the last of many values reaches its row under its number, deletes too, and a late one is nothing', async () => {
    const options = { ...common(), namespace: 'behind', behind: { delay: 5 } } as const
    const plain = postgresSource<Item>({
      connectionString: server.url,
      table: 'items',
      versionColumn: 'version',
    })
    const { load, write } = plain
    const [one, two] = [
      createCache<Item>({ ...options, load, write }),
      createCache<Item>({ ...options, load, write }),
    ]
    try {
      for (let version = 1; version <= 20; version++) {
        await (version % 2 ? one : two).set('k', { name: `${version}`, version })
        await one.set('gone', { name: `${version}`, version })
      }
      await two.set('gone', null)
      await Promise.all([one.flush(), two.flush()])
      assert.deepEqual(await server.query('SELECT key, version::int FROM items'), [{ key: 'k', version: 20 }])
      const [fence] = await server.query(`SELECT seq FROM cachectl_fence WHERE key = 'gone'`)
      const seqs = new Map([['gone', BigInt(String(fence!.seq)) - 1n]])
      await write(new Map([['gone', { name: 'late', version: 99 }]]), { seqs })
      assert.equal(await load('gone'), null)
    } finally {
      await Promise.all([one.close(), two.close()])
      await plain.close()
    }
  })

  it('a verifier sees what went past the cache, in the tier that serves it', async () => {
    const cache = createCache<Item>({ ...common(), namespace: 'seen', ...source })
    const verifier = createVerifier(cache, { load: source.load, within: '30ms' })
    try {
      await insert('right', 'R')
      await insert('wrong', 'W')
      await Promise.all(['right', 'wrong'].map((key) => cache.get(key)))
      await server.query(`UPDATE items SET value = '{"name": "other"}' WHERE key = 'wrong'`)
      const verdicts = await Promise.all(['right', 'wrong', 'none'].map((key) => verifier.check(key)))
      assert.deepEqual(verdicts, ['consistent', 'inconsistent', 'absent'])
      assert.equal(verifier.counts.where.both, 1)
      // it has only looked: no lease is left that others would wait for
      const connections = await Promise.all([nodes.connect(0), nodes.connect(1)])
      const left = await Promise.all(connections.map((each) => each.call('EXISTS', 'seen:none')))
      assert.deepEqual(left, [0, 0])
      assert.equal(cache.stats.loads, 2)
    } finally {
      await cache.close()
    }
  })
})
