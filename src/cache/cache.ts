/** A cache of two tiers before a source of truth: seven verbs, told by the files beside this one. */
import type { Clock } from '../clock.js'
import type { Random } from '../random.js'
import { CacheCore } from './core.js'
import { durationMs, type Ms } from './durations.js'
import type { JournalPort } from './journal-port.js'
import { createL1 } from './l1/l1.js'
import { LateRemovals } from './late-removals.js'
import { Loads } from './loads.js'
import { LocalKeys } from './local-keys.js'
import { type CacheLook, lookAt } from './look.js'
import { ManyReader } from './many-reader.js'
import type { CacheEvents, CacheSettings, Loader, ManyLoader } from './options.js'
import type { HotKeysPort, L2Port } from './ports.js'
import { Reader } from './reader.js'
import { Refresher } from './refresher.js'
import { type CacheStats, createStats } from './stats.js'
import { TaggedKeys } from './tagged-keys.js'
import { Tags } from './tags.js'
import { CacheTimings } from './timings.js'
import { WriteBehind } from './write-behind.js'
import { Writer } from './writer.js'

export interface Cache<V> {
  /** The value; loaded by `load`, or the cache's own loader, where it is not there. undefined: the source has none. */
  get(key: string, load?: Loader<V>): Promise<V | undefined>
  /** Those that there are. One round trip a node touched; what is missing is loaded by one call. */
  getMany(keys: readonly string[], load?: ManyLoader<V>): Promise<Map<string, V>>
  /** What the memory of this process has, fresh; no I/O. */
  peek(key: string): V | undefined
  /**
   * With `write`: the source of truth, then the cache; null deletes. With `behind`: the cache and its journal, and the
   * source later. Without: the cache only.
   */
  set(
    key: string,
    value: V | null,
    options?: { readonly ttl?: Ms; readonly tags?: readonly string[] },
  ): Promise<void>
  /** Drops keys, or all values with a tag, in every process. */
  invalidate(...what: (string | { readonly tag: string })[]): Promise<void>
  /** What each tier would serve now; loads nothing. For checks, such as `createVerifier`. */
  look(key: string): Promise<CacheLook<V>>
  /** Waits for what is under way in the background; with `behind` until all that this process has put is in the source. */
  flush(): Promise<void>
  close(): Promise<void>
  /** What separates it from other caches on the same nodes. */
  readonly namespace: string
  readonly stats: Readonly<CacheStats>
  readonly timings: CacheTimings
}

export interface CacheWorld {
  readonly l2: L2Port | undefined
  /** Of a cache with `behind`. */
  readonly journal?: JournalPort | undefined
  /** Of its ring. */
  readonly hot?: HotKeysPort | undefined
  readonly clock: Clock
  readonly random: Random
  readonly on?: Partial<CacheEvents>
  /** Where they are counted, if that began before. */
  readonly stats?: CacheStats
  readonly timings?: CacheTimings
}

export class TieredCache<V> implements Cache<V> {
  readonly namespace: string
  readonly stats: CacheStats
  readonly timings: CacheTimings
  private readonly core: CacheCore<V>
  private readonly reader: Reader<V>
  private readonly many: ManyReader<V>
  private readonly writer: Writer<V>
  private readonly behind: WriteBehind<V> | undefined
  private readonly endings: (() => void)[] = []

  constructor(settings: CacheSettings<V>, world: CacheWorld) {
    const { l2, journal, hot, clock, random, on = {} } = world
    const { namespace, l2TimeoutMs } = settings
    this.namespace = namespace
    this.stats = world.stats ?? createStats()
    this.timings = world.timings ?? new CacheTimings()
    const prefixes = { value: `${namespace}:`, tag: `${namespace}#` }
    const l1 = settings.l1 ? createL1<V | null>({ ...settings.l1, originMs: clock.nowMs() }) : undefined
    this.core = new CacheCore<V>({
      ...{ settings, l1, l2, clock, random, on, stats: this.stats, timings: this.timings },
      tags: new Tags(l2, { prefix: prefixes.tag, timeoutMs: l2TimeoutMs }),
      tagged: new TaggedKeys({
        maxEntries: settings.l1?.maxEntries ?? 0,
        isKept: (key) => l1 !== undefined && l1.look(key) >= 0,
      }),
      late: new LateRemovals(clock, on),
      local: new LocalKeys(prefixes.value),
    })
    const loads = new Loads(this.core)
    this.reader = new Reader(this.core, loads, new Refresher(this.core, loads))
    this.many = new ManyReader(this.core, this.reader, loads)
    this.behind = journal && new WriteBehind(this.core, this.reader, journal)
    this.writer = new Writer(this.core, this.reader, this.behind)
    if (l2) this.listen(l2, prefixes)
    if (hot) this.follow(hot)
  }

  async get(key: string, load = this.core.settings.load): Promise<V | undefined> {
    const read = this.reader.get(key, load)
    return (read instanceof Promise ? await read : read) ?? undefined
  }

  getMany(keys: readonly string[], load = this.core.settings.loadMany): Promise<Map<string, V>> {
    return this.many.get(keys, load)
  }

  peek(key: string): V | undefined {
    return this.reader.peek(key) ?? undefined
  }

  async set(
    key: string,
    value: V | null,
    { ttl, tags = [] }: { readonly ttl?: Ms; readonly tags?: readonly string[] } = {},
  ): Promise<void> {
    const ttlMs = ttl === undefined ? undefined : durationMs('ttl', ttl)
    await this.core.timed('set', () => this.writer.set(key, value, { ttlMs, tags }))
  }

  async invalidate(...what: (string | { readonly tag: string })[]): Promise<void> {
    const keys = what.filter((each) => typeof each === 'string')
    const tags = what.filter((each) => typeof each !== 'string')
    await this.core.timed('invalidate', () =>
      Promise.all([this.writer.invalidate(keys), ...tags.map(({ tag }) => this.writer.invalidateTag(tag))]),
    )
  }

  look(key: string): Promise<CacheLook<V>> {
    return lookAt(this.core, key, this.reader.peek(key))
  }

  async flush(): Promise<void> {
    await this.reader.settle()
    await this.behind?.flush()
  }

  async close(): Promise<void> {
    try {
      await this.reader.settle()
      await this.behind?.close()
    } finally {
      for (const end of this.endings) end()
      await this.core.late.close()
    }
  }

  /** What leaves the hot set leaves L1, and with it what is under way: its node is asked to tell of it no more. */
  private follow(hot: HotKeysPort): void {
    const { core, reader, stats } = this
    const take = () => {
      stats.hotGeneration = hot.set.generation
      if (!core.settings.l1?.isHotOnly) return
      for (const key of core.local.take(hot.set)) reader.invalidate(key)
      stats.hotKeys = core.local.size
    }
    take()
    this.endings.push(hot.onChange(take))
    if (core.settings.l1?.isHotOnly) this.endings.push(hot.countHits(() => core.local.hits))
  }

  private listen(l2: L2Port, prefixes: { readonly value: string; readonly tag: string }): void {
    const { tags } = this.core
    const valueStart = Buffer.byteLength(prefixes.value)
    const tagStart = Buffer.byteLength(prefixes.tag)
    this.endings.push(
      l2.listen(Buffer.from(prefixes.value), (whole) => {
        if (!whole) {
          this.reader.invalidateAll()
          return
        }
        this.stats.invalidations += 1
        this.reader.invalidate(whole.toString('utf8', valueStart))
      }),
      l2.listen(Buffer.from(prefixes.tag), (whole) => {
        const tag = whole?.toString('utf8', tagStart)
        tags.forget(tag)
        if (tag !== undefined) this.writer.dropTag(tag)
      }),
    )
  }
}
