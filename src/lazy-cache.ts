/** A cache that opens its ring at the first use; what can't be opened now is tried again at the next. */
import type { Cache } from './cache/cache.js'
import type { Loader } from './cache/options.js'
import type { CacheStats } from './cache/stats.js'
import type { CacheTimings } from './cache/timings.js'

interface Opened<V> {
  readonly cache: Cache<V>
  close(): Promise<void>
}

export class LazyCache<V> implements Cache<V> {
  private opened: Opened<V> | undefined
  private opening: Promise<Opened<V>> | undefined
  private isClosed = false

  readonly namespace: string
  readonly stats: CacheStats
  readonly timings: CacheTimings

  /** `known`: what the cache counts into when it is open. */
  constructor(
    known: { readonly namespace: string; readonly stats: CacheStats; readonly timings: CacheTimings },
    private readonly open: () => Promise<Opened<V>>,
  ) {
    this.namespace = known.namespace
    this.stats = known.stats
    this.timings = known.timings
  }

  get(key: string, load?: Loader<V>): Promise<V | undefined> {
    return this.opened
      ? this.opened.cache.get(key, load)
      : this.first().then(({ cache }) => cache.get(key, load))
  }

  async getMany(...args: Parameters<Cache<V>['getMany']>): Promise<Map<string, V>> {
    return (await this.first()).cache.getMany(...args)
  }

  peek(key: string): V | undefined {
    return this.opened?.cache.peek(key)
  }

  async set(...args: Parameters<Cache<V>['set']>): Promise<void> {
    return (await this.first()).cache.set(...args)
  }

  async invalidate(...args: Parameters<Cache<V>['invalidate']>): Promise<void> {
    return (await this.first()).cache.invalidate(...args)
  }

  async look(key: string) {
    return (await this.first()).cache.look(key)
  }

  async flush(): Promise<void> {
    await this.opened?.cache.flush()
  }

  async close(): Promise<void> {
    this.isClosed = true
    const opened = await this.opening?.catch(() => undefined)
    try {
      await opened?.cache.close()
    } finally {
      await opened?.close()
    }
  }

  private first(): Promise<Opened<V>> {
    if (this.isClosed) return Promise.reject(new Error('the cache was closed'))
    this.opening ??= this.open().then(
      (opened) => {
        this.opened = opened
        return opened
      },
      (error: unknown) => {
        this.opening = undefined
        throw error
      },
    )
    return this.opening
  }
}
