/** The published hot set over real servers: what processes keep in memory, what nodes remember, and reads from copies. */
import assert from 'node:assert/strict'
import type { Cache } from '../../src/cache/cache.js'
import type { CacheOptions } from '../../src/cache/options.js'
import type { ControlStore } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { copyName, formatHotSet, type HotSet, hotSetNotice, noHotSet } from '../../src/hotkeys/hot-set.js'
import { createCache, openCacheRing } from '../../src/open-cache.js'
import { openControl } from '../../src/open-control.js'
import type { CacheRing } from '../../src/redis/cache-ring.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { firstState } from '../../src/ring/epoch.js'
import type { Topology } from '../../src/ring/topology.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('published hot keys', () => {
  let servers: TestServers
  let file: string
  let topology: Topology
  let control: ControlStore
  let nodes: RespConnection[]
  let generation = 0
  let rings: CacheRing[] = []
  let caches: Cache<string>[] = []
  const rows = new Map<string, string>()

  before(async () => {
    servers = await startServers(4)
    file = await servers.topologyFile()
    const loaded = await loadTopology(file, file)
    topology = loaded.topology
    control = await openControl(loaded)
    await control.compareAndSwap(undefined, firstState(topology))
    nodes = await Promise.all(servers.servers.map((_, index) => servers.connect(index)))
  })
  after(async () => {
    await control.close()
    await servers.stop()
  })
  afterEach(async () => {
    for (const cache of caches) await cache.close()
    for (const ring of rings) await ring.close()
    caches = []
    rings = []
    rows.clear()
  })

  /** As a process of its own has it. */
  async function start(options: Partial<CacheOptions<string>> = {}): Promise<Cache<string>> {
    const ring = await openCacheRing(file, { tracking: 'hot' })
    const load = (key: string) => rows.get(key) ?? `${key} 1`
    const cache = createCache<string>({
      ...{ ring, namespace: 'shop', ttl: '1m', jitter: 0, early: false, load },
      ...options,
    })
    rings.push(ring)
    caches.push(cache)
    return cache
  }

  async function publish(set: Partial<Pick<HotSet, 'local' | 'split'>>): Promise<void> {
    generation += 1
    const published = { ...noHotSet, ...set, generation, by: 'a test', publishedMs: Date.now() }
    await control.putNotice(hotSetNotice, formatHotSet(published))
  }

  async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (const endMs = Date.now() + 5_000; !(await isSo()); await systemClock.sleep(5))
      assert.ok(Date.now() < endMs, `never: ${what}`)
  }

  const heard = () => until(() => caches.every(({ stats }) => stats.hotGeneration === generation), 'heard')
  const ownerOf = (key: Buffer) => nodes[buildRing(topology).ownerIndex(key)]!
  const info = async (connection: RespConnection, section: string, field: string) =>
    Number(
      new RegExp(`^${field}:(?:calls=)?(\\d+)`, 'm').exec(
        String(await connection.call('INFO', section)),
      )?.[1] ?? 0,
    )
  const tracked = async () =>
    (await Promise.all(nodes.map((node) => info(node, 'stats', 'tracking_total_keys')))).reduce(
      (a, b) => a + b,
    )
  const keyOf = (name: string) => Buffer.from(`shop:${name}`)
  const inAnHour = () => Date.now() + 3_600_000

  it('keeps the hot keys of four nodes in memory, and the nodes remember these alone', async () => {
    const here = await start({ l1: 'hot' })
    const there = await start({ l1: 'hot' })
    const names = Array.from({ length: 40 }, (_, index) => `p${index}`)
    await here.getMany(names)
    for (const name of names) assert.equal(await here.get(name), `${name} 1`)
    assert.equal(await tracked(), 0)
    const hot = names.slice(0, 8)
    await publish({ local: hot.map((name) => ({ key: keyOf(name), untilMs: inAnHour() })) })
    await heard()
    assert.deepEqual([here.stats.hotKeys, there.stats.hotKeys], [8, 8])
    for (const cache of [here, there]) for (const name of names) await cache.get(name)
    assert.equal(await tracked(), 8)
    for (const cache of [here, there]) {
      assert.deepEqual(
        names.filter((name) => cache.peek(name) !== undefined),
        hot,
      )
      const { l1Hits } = cache.stats
      for (const name of hot) await cache.get(name)
      assert.equal(cache.stats.l1Hits, l1Hits + 8)
    }
    // another process's write, and a plain DEL of another program
    rows.set('p0', 'p0 2')
    await there.invalidate('p0')
    await until(() => here.peek('p0') === undefined, 'told of a write')
    assert.equal(await here.get('p0'), 'p0 2')
    assert.equal(here.peek('p0'), 'p0 2')
    await ownerOf(keyOf('p1')).call('DEL', keyOf('p1'))
    await until(() => here.peek('p1') === undefined && there.peek('p1') === undefined, 'told of a DEL')
  })

  it('drops them when their time is over, and when the set is taken back', async () => {
    const cache = await start({ l1: 'hot' })
    await publish({
      local: [
        { key: keyOf('long'), untilMs: inAnHour() },
        { key: keyOf('short'), untilMs: Date.now() + 1_500 },
        { key: Buffer.from('other:long'), untilMs: inAnHour() },
      ],
    })
    await heard()
    assert.equal(cache.stats.hotKeys, 2)
    for (const key of ['long', 'short']) await cache.get(key)
    assert.deepEqual([cache.peek('long'), cache.peek('short')], ['long 1', 'short 1'])
    await until(() => cache.peek('short') === undefined, 'its time is over')
    assert.equal(cache.peek('long'), 'long 1')
    await cache.get('short')
    assert.equal(cache.peek('short'), undefined)
    await control.putNotice(hotSetNotice, 'of another version')
    await until(() => cache.peek('long') === undefined, 'taken back')
    assert.equal(cache.stats.hotKeys, 0)
  })

  it('a cache that keeps all is told of all over the same ring, and one that keeps hot keys over a ring that tells all', async () => {
    const ring = await openCacheRing(file, { tracking: 'hot' })
    const full = createCache<string>({
      ring,
      namespace: 'full',
      ttl: '1m',
      load: (key) => rows.get(key) ?? '1',
    })
    const all = await openCacheRing(file)
    const hot = createCache<string>({ ring: all, namespace: 'full', ttl: '1m', l1: 'hot' })
    rings.push(ring, all)
    caches.push(full, hot)
    assert.deepEqual([await full.get('k'), await hot.get('k')], ['1', '1'])
    assert.deepEqual([full.peek('k'), hot.peek('k')], ['1', undefined])
    rows.set('k', '2')
    await hot.invalidate('k')
    await until(() => full.peek('k') === undefined, 'told')
    assert.equal(await full.get('k'), '2')
  })

  it('reads a split key from all of its nodes, in one request, and after a write nothing old', async () => {
    const key = keyOf('split')
    const ring = buildRing(topology)
    const salts: number[] = []
    const places = new Set([ring.ownerIndex(key)])
    for (let salt = 1; places.size < 4; salt++) {
      const node = ring.ownerIndex(copyName(key, salt, topology.ring.hashTag))
      if (places.has(node)) continue
      places.add(node)
      salts.push(salt)
    }
    const copies = salts.map((salt) => copyName(key, salt, topology.ring.hashTag))
    const reader = await start({ l1: false })
    const writer = await start({ l1: false })
    await publish({ split: [{ key, salts }] })
    await heard()
    for (const node of nodes) await node.call('CONFIG', 'RESETSTAT')
    for (let read = 0; read < 400; read++) assert.equal(await reader.get('split'), 'split 1')
    assert.equal(reader.stats.loads, 1)
    for (const node of nodes) {
      const looks = await info(node, 'commandstats', 'cmdstat_pttl')
      assert.ok(looks > 50 && looks < 170, `${looks} of 400 reads`)
    }
    for (const copy of copies) {
      const leftMs = Number(await ownerOf(copy).call('PTTL', copy))
      assert.ok(leftMs <= 500, `${leftMs} ms`)
    }
    for (let version = 2; version < 30; version++) {
      rows.set('split', `split ${version}`)
      const reads = Array.from({ length: 20 }, () => reader.get('split'))
      await writer.invalidate('split')
      await Promise.all(reads)
      for (const copy of copies) assert.equal(await ownerOf(copy).call('EXISTS', copy), 0)
      for (let read = 0; read < 8; read++) assert.equal(await reader.get('split'), `split ${version}`)
    }
    await publish({})
    await heard()
    for (const copy of copies) await ownerOf(copy).call('DEL', copy)
    for (let read = 0; read < 40; read++) await reader.get('split')
    for (const copy of copies) assert.equal(await ownerOf(copy).call('EXISTS', copy), 0)
  })

  it('a put of write-behind replaces copies, and what the source does not have yet is not copied', async () => {
    const key = keyOf('later')
    const written: string[] = []
    const options = {
      l1: false,
      behind: { delay: '200ms' },
      write: async (batch: ReadonlyMap<string, string | null>) => {
        for (const [name, value] of batch) if (value !== null) rows.set(name, value)
        written.push(...batch.keys())
      },
    } as const
    const [reader, writer] = [await start(options), await start(options)]
    await publish({ split: [{ key, salts: [1, 2] }] })
    await heard()
    const copies = [1, 2].map((salt) => copyName(key, salt, topology.ring.hashTag))
    for (let read = 0; read < 30; read++) await reader.get('later')
    await writer.set('later', 'later 2')
    for (let read = 0; read < 30; read++) assert.equal(await reader.get('later'), 'later 2')
    for (const copy of copies) assert.notEqual(await ownerOf(copy).call('GETRANGE', copy, 0, 0), 'V')
    await writer.flush()
    assert.deepEqual(written, ['later'])
    for (let read = 0; read < 30; read++) assert.equal(await reader.get('later'), 'later 2')
  })
})
