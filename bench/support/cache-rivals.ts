/**
 * Other cache libraries for Node, each as one read-through cache over a server. They are no dependencies: they are found in
 * the folder that CACHE_RIVALS names (bench/cache.ts says how to fill it).
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface CacheUnderTest {
  get(key: string): Promise<unknown>
  close(): Promise<void>
}

export interface RivalOptions {
  readonly port: number
  load(key: string): Promise<unknown>
  /** Memory of the process; false: as little as the library goes without. */
  readonly hasL1?: boolean
}

export type OpenCache = (options: RivalOptions) => Promise<CacheUnderTest>

/** The libraries have their own types, which are not here. */
interface Made {
  readonly [name: string]: (...args: unknown[]) => Made & Promise<unknown>
}
type Module = Record<string, (new (...args: unknown[]) => Made) & ((...args: unknown[]) => Made)>

const ttlMs = 3_600_000

let importing: Promise<(name: string) => Promise<Module>> | undefined

/** Resolves names as a file in that folder would. */
function rivalImport(folder: string): Promise<(name: string) => Promise<Module>> {
  importing ??= (async () => {
    const file = join(folder, 'import-rival.mjs')
    await writeFile(file, 'export default (name) => import(name)\n')
    return (await import(pathToFileURL(file).href)).default
  })()
  return importing
}

export const rivalNames = [
  'bentocache',
  'cacheable',
  'cache-manager',
  'async-cache-dedupe',
  'layered-loader',
  'lru-cache',
] as const
export type RivalName = (typeof rivalNames)[number]

/** undefined: CACHE_RIVALS is not set. */
export function rivalsFolder(): string | undefined {
  return process.env.CACHE_RIVALS
}

export async function openRival(name: RivalName, options: RivalOptions): Promise<CacheUnderTest> {
  const load = await rivalImport(rivalsFolder()!)
  return openers[name](load, options)
}

type Open = (load: (name: string) => Promise<Module>, options: RivalOptions) => Promise<CacheUnderTest>

const openers: Record<RivalName, Open> = {
  bentocache: async (load, { port, load: factory, hasL1 = true }) => {
    const [{ BentoCache, bentostore }, { memoryDriver }, { redisBusDriver, redisDriver }] = [
      await load('bentocache'),
      await load('bentocache/drivers/memory'),
      await load('bentocache/drivers/redis'),
    ]
    const connection = { host: '127.0.0.1', port }
    const plain = bentostore!()
    const store = (hasL1 ? plain.useL1Layer!(memoryDriver!({ maxItems: 2_000_000 })) : plain).useL2Layer!(
      redisDriver!({ connection }),
    )
    const stores = { it: hasL1 ? store.useBus!(redisBusDriver!({ connection })) : store }
    const cache = new BentoCache!({ default: 'it', stores })
    return {
      get: (key) => cache.getOrSet!({ key, ttl: ttlMs, factory: () => factory(key) }),
      close: async () => {
        await cache.disconnectAll!()
      },
    }
  },
  cacheable: async (load, { port, load: factory, hasL1 = true }) => {
    const { Cacheable } = await load('cacheable')
    const { default: KeyvRedis } = await load('@keyv/redis')
    const secondary = new KeyvRedis!(`redis://127.0.0.1:${port}`)
    const cache = new Cacheable!({ secondary, ...(hasL1 ? {} : { primary: secondary }) })
    return {
      get: (key) => cache.getOrSet!(key, () => factory(key), { ttl: ttlMs }),
      close: async () => {
        await cache.disconnect!()
      },
    }
  },
  'cache-manager': async (load, { port, load: factory, hasL1 = true }) => {
    const { createCache } = await load('cache-manager')
    const { Keyv } = await load('keyv')
    const { default: KeyvRedis } = await load('@keyv/redis')
    const far = new Keyv!({ store: new KeyvRedis!(`redis://127.0.0.1:${port}`) })
    const cache = createCache!({ stores: hasL1 ? [new Keyv!(), far] : [far] })
    return {
      get: (key) => cache.wrap!(key, () => factory(key), ttlMs),
      close: async () => {
        await cache.disconnect!()
      },
    }
  },
  'async-cache-dedupe': async (load, { port, load: factory, hasL1 = true }) => {
    const { createCache } = await load('async-cache-dedupe')
    const { default: Redis } = await load('ioredis')
    const client = new Redis!({ port })
    const storage = hasL1 ? { type: 'memory' } : { type: 'redis', options: { client } }
    const cache = createCache!({ ttl: ttlMs / 1_000, storage })
    cache.define!('value', (key: unknown) => factory(String(key)))
    return {
      get: (key) => cache.value!(key),
      close: async () => {
        await client.quit!()
      },
    }
  },
  'layered-loader': async (load, { port, load: factory, hasL1 = true }) => {
    const { Loader, RedisCache } = await load('layered-loader')
    const { default: Redis } = await load('ioredis')
    const client = new Redis!({ port })
    const loader = new Loader!({
      ...(hasL1
        ? { inMemoryCache: { cacheType: 'lru-object', maxItems: 2_000_000, ttlInMsecs: ttlMs } }
        : {}),
      asyncCache: new RedisCache!(client, { json: true, ttlInMsecs: ttlMs }),
      dataSourceGetOneFn: factory,
    })
    return {
      get: (key) => loader.get!(key),
      close: async () => {
        await client.quit!()
      },
    }
  },
  'lru-cache': async (load, { load: factory }) => {
    const { LRUCache } = await load('lru-cache')
    const cache = new LRUCache!({
      max: 2_000_000,
      ttl: ttlMs,
      fetchMethod: (key: unknown) => factory(String(key)),
    })
    return { get: (key) => cache.fetch!(key), close: async () => {} }
  },
}
