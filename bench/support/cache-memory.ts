/** L1 by itself: CPU time of an awaited hit, bytes an entry, hit ratio. */
import { LRUCache } from 'lru-cache'
import { createL1 } from '../../src/cache/l1/l1.js'
import { type Cache, createCache } from '../../src/index.js'
import { createRandom } from '../../src/random.js'
import { createZipf } from '../../src/workload/zipf.js'
import type { TestServers } from '../../test/support/redis-servers.js'
import { openRival, rivalNames, rivalsFolder } from './cache-rivals.js'
import { report } from './targets.js'

const seed = 1
const hotCount = 100_000
const rounds = 7
/** An await of a plain Map's value, and the prototype's awaited hit: bench's own measure of the machine. */
const prototypeOverMap = 409 / 79

type Get = (key: string) => unknown

/** CPU time of this process for each `get` in turns; ns each, the best of the rounds. */
export async function awaitedHits({ servers }: TestServers): Promise<void> {
  const names = Array.from({ length: hotCount }, (_, index) => `key:${String(index).padStart(7, '0')}`)
  const rank = createZipf(hotCount, 0.99, createRandom(seed))
  const asked = Array.from({ length: 200_000 }, () => names[rank()]!)
  const value = { text: 'x'.repeat(100) }
  const port = servers[0]!.port
  const map = new Map(names.map((name) => [name, value]))
  const ours = createCache<{ text: string }>({
    ring: `redis://127.0.0.1:${port}`,
    ttl: '1h',
    l1: { max: 2 * hotCount },
    early: false,
    load: () => value,
  })
  const lru = new LRUCache<string, object>({ max: hotCount, ttl: 3_600_000, fetchMethod: async () => value })
  const gets: Record<string, Get> = {
    Map: (key) => map.get(key),
    'an awaited Map': async (key: string) => map.get(key),
    cachectl: (key) => ours.get(key),
    'lru-cache.fetch': (key) => lru.fetch(key),
  }
  const closing: (() => Promise<void>)[] = [() => ours.close()]
  for (const name of rivalsFolder() ? rivalNames.filter((each) => each !== 'lru-cache') : []) {
    const rival = await openRival(name, { port, load: async () => value }).catch(() => undefined)
    if (!rival) continue
    gets[name] = (key) => rival.get(key)
    closing.push(() => rival.close())
  }
  const nanos: Record<string, number[]> = {}
  const distinct = [...new Set(asked)]
  for (const [name, get] of Object.entries(gets)) {
    nanos[name] = []
    if (name === 'Map') continue
    for (let at = 0; at < distinct.length; at += 500) await Promise.all(distinct.slice(at, at + 500).map(get))
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, get] of Object.entries(gets)) {
      const few =
        name === 'Map' || name.startsWith('an ') || name === 'cachectl' || name.startsWith('lru') ? 1 : 10
      const some = asked.slice(0, asked.length / few)
      // hits alone leave no room for a sign of life, and after a second without one nothing in L1 may be served
      await new Promise((resolve) => setTimeout(resolve, 20))
      const before = process.cpuUsage()
      let found = 0
      if (name === 'Map') for (const key of some) found += get(key) === undefined ? 0 : 1
      else for (const key of some) found += (await get(key)) === undefined ? 0 : 1
      const { user, system } = process.cpuUsage(before)
      if (found < some.length) throw new Error(`${name} lost ${some.length - found} of ${some.length} keys`)
      nanos[name]!.push(((user + system) * 1_000) / some.length)
    }
  }
  for (const close of closing) await close().catch(() => undefined)
  const of = (name: string) => Math.min(...nanos[name]!)
  const limit = 1.1 * prototypeOverMap * of('Map')
  const rivals = Object.keys(gets).filter((name) => !['Map', 'an awaited Map', 'cachectl'].includes(name))
  const slow = ['bentocache', 'cacheable']
    .filter((name) => gets[name])
    .map((name) => of(name) / of('cachectl'))
  report({
    what: 'an awaited L1 hit, ns of CPU (zipf 0.99, 100 k entries)',
    ours: of('cachectl').toFixed(0),
    rival: rivals.map((name) => `${name} ${of(name).toFixed(0)}`).join(', '),
    target: `≤ ${limit.toFixed(0)} (1.1 × 409/79 × Map), 10 × faster than bentocache and cacheable`,
    holds: of('cachectl') <= limit && slow.every((factor) => factor >= 10),
    note: `Map ${of('Map').toFixed(0)}, an awaited Map ${of('an awaited Map').toFixed(0)}; ${slow.map((factor) => `${factor.toFixed(1)} ×`).join(', ')}`,
  })
}

const entries = 1_000_000

/** Heap and what lies beside it, after full collections. */
export async function memory(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const used = () => {
    collect()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const textOf = (index: number) => `${String(index).padStart(8, '0')}${'v'.repeat(92)}`
  const bytesOf = async (create: () => (key: string, value: string) => unknown): Promise<number> => {
    const before = used()
    const set = create()
    for (let index = 0; index < entries; index++) {
      const value = Buffer.from(textOf(index)).toString('latin1')
      await set(Buffer.from(`key:${index}`).toString('latin1'), value)
    }
    return (used() - before) / entries
  }
  const held: unknown[] = []
  const lruOf = (options: { ttl?: number }) => () => {
    const lru = new LRUCache<string, string>({ max: entries, ...options })
    held.push(lru)
    return (key: string, value: string) => lru.set(key, value)
  }
  const caches: Cache<string>[] = []
  const own = await bytesOf(() => {
    const cache = createCache<string>({ ttl: '1h', l1: { max: entries }, jitter: 0 })
    caches.push(cache)
    return (key, value) => cache.set(key, value)
  })
  const kept = caches[0]?.peek(`key:${entries - 1}`) !== undefined
  await caches.pop()?.close()
  const theirs = await bytesOf(lruOf({}))
  const withTtl = await bytesOf(lruOf({ ttl: 3_600_000 }))
  report({
    what: 'bytes an entry, 1 M × 100 B',
    ours: own.toFixed(0),
    rival: `lru-cache ${theirs.toFixed(0)}, with TTLs ${withTtl.toFixed(0)}`,
    target: '≤ 215',
    holds: kept && own <= 215,
    ...(held.length === 2 ? {} : { note: 'a container was given up too soon' }),
  })
}

/** Reads through an L1 that a miss fills, the second half counted. */
export function hitRatio(): void {
  const universe = 1_000_000
  const [requests, share] = [2_000_000, 0.01]
  const names = Array.from({ length: universe }, (_, index) => `key:${index}`)
  const meta = { freshUntilMs: 1e12, loadMs: 1, bytes: 100, vouch: { untilMs: 1e12 } }
  const ratioOf = (policy: 's3fifo' | 'lru') => {
    const l1 = createL1<number>({ maxEntries: universe * share, policy, originMs: 0 })
    const rank = createZipf(universe, 0.99, createRandom(seed))
    let hits = 0
    for (let index = 0; index < requests; index++) {
      const key = names[rank()]!
      if (l1.find(key) >= 0) hits += index >= requests / 2 ? 1 : 0
      else l1.set(key, index, meta)
    }
    return (200 * hits) / requests
  }
  const [s3fifo, own] = [ratioOf('s3fifo'), ratioOf('lru')]
  const cache = new LRUCache<string, number>({ max: universe * share })
  const rank = createZipf(universe, 0.99, createRandom(seed))
  let hits = 0
  for (let index = 0; index < requests; index++) {
    const key = names[rank()]!
    if (cache.get(key) !== undefined) hits += index >= requests / 2 ? 1 : 0
    else cache.set(key, index)
  }
  const lru = (200 * hits) / requests
  report({
    what: 'hit ratio, zipf 0.99 over 1 M keys, L1 of 1 %',
    ours: `${s3fifo.toFixed(1)} % (lru ${own.toFixed(1)} %)`,
    rival: `lru-cache ${lru.toFixed(1)} %`,
    target: 'LRU + 8 points',
    holds: s3fifo - lru >= 8,
    note: `+${(s3fifo - lru).toFixed(1)} points`,
  })
}
