/** What an application says about its cache, with the defaults, checked once. */
import { invalid } from '../errors.js'
import { maxHotKeys } from '../hotkeys/hot-set.js'
import { type Codec, checkCodecId } from './codec.js'
import { jsonCodec } from './codecs/json.js'
import { durationMs, type Ms } from './durations.js'
import type { L1Policy } from './l1/l1.js'

/** A value to be cached; null or undefined: the source of truth has none. */
export type Loaded<V> = V | null | undefined

/** What a loader may use and tell. */
export interface LoadContext<V> {
  /** Aborted when the load has taken too long: whatever it gives then is not used. */
  readonly signal: AbortSignal
  /** The value that is being replaced, where there is one. */
  readonly stale: V | undefined
  /** This value stays fresh for so long, instead of the cache's `ttl`. */
  ttl(ms: Ms): void
  /** Groups that this value belongs to: `invalidate({tag})` drops it. Say so before or after reading the source. */
  tags(...tags: string[]): void
}

export type Loader<V> = (key: string, context: LoadContext<V>) => Promise<Loaded<V>> | Loaded<V>
export type ManyLoader<V> = (
  missing: readonly string[],
  context: { readonly signal: AbortSignal },
) => Promise<ReadonlyMap<string, V>> | ReadonlyMap<string, V>
/** What a writer to the source of truth may use. */
export interface WriteContext {
  /**
   * Write-behind: a number for each key that grows with every value put under it, for fencing. A writer that remembers the
   * largest it has written of a key, and skips what is not larger, lets no late writer bring an old value back.
   */
  readonly seqs: ReadonlyMap<string, bigint>
  /** Aborted when the write has taken too long: what it still does then may come after a newer value. */
  readonly signal: AbortSignal
}

/**
 * Writes to the source of truth; null: the row goes. It throws unless all is written; of a batch that failed some may be
 * written. A `PoisonError` says that this batch can never be written.
 */
export type SourceWriter<V> = (batch: ReadonlyMap<string, V | null>, context: WriteContext) => Promise<void>

export interface CacheOptions<V> {
  /** Separates caches that share nodes: keys stand there as `namespace:key`. Default `cache`. */
  readonly namespace?: string
  /** How long a value is fresh. */
  readonly ttl: Ms
  /** So long after that it may still be served, while it is loaded anew or when that fails. Default 0. */
  readonly stale?: Ms
  /** How long "the source has none" is remembered. Default 0: not at all. */
  readonly negative?: Ms
  /** Each value's `ttl` is shorter by up to this share, so that what was loaded together does not expire together. Default 0.1. */
  readonly jitter?: number
  /** A value that is read stays: each hit gives it its whole `ttl` again. Default false. */
  readonly sliding?: boolean
  /** Loads popular values anew shortly before they expire (XFetch); a number is its β. Default 1; false: never. */
  readonly early?: number | false
  /** Memory of this process. Default: 10,000 entries, S3-FIFO. `hot`: the published hot keys only. */
  readonly l1?: false | 'hot' | { readonly max?: number; readonly bytes?: number; readonly policy?: L1Policy }
  /** Read-through: where `get` names no loader of its own. */
  readonly load?: Loader<V>
  /** The same for `getMany`: what is missing by one call. Default: `load` for each key. */
  readonly loadMany?: ManyLoader<V>
  /** Write-through: `set` writes the source of truth, then the cache. */
  readonly write?: SourceWriter<V>
  /**
   * Write-behind, which needs `write` and a ring: `set` is done when the value and its entry in the node's journal are
   * there, and `write` is called later, with up to `batch` keys. Default false: write-through.
   */
  readonly behind?: false | BehindOptions
  /** A writer's marker stands in the cache while the source is written, so that a crash in between leaves nothing stale. */
  readonly strict?: boolean
  readonly timeout?: {
    /** A node without an answer for this long is left out. Default 50 ms. */
    readonly l2?: Ms
    /** A load, or a write to the source, is given up after this. Default 10 s. */
    readonly load?: Ms
    /** A reader of a stale value waits so long for the new one. Default 0. */
    readonly soft?: Ms
  }
  /** The version of a value's row: with it a write puts the value in place of an older one, without it the key is dropped. */
  readonly version?: (value: V) => number | bigint
  /** How values are written at L2. Default: JSON. */
  readonly codec?: Codec<V>
  readonly on?: Partial<CacheEvents>
}

export interface BehindOptions {
  /** So long later values of a key may still replace one before it is written. Default 100 ms. */
  readonly delay?: Ms
  /** At most so many keys a call of `write`. Default 100. */
  readonly batch?: number
  /** 2: the entry stands in the journal of another node too, so that the loss of one node loses nothing. Default 1. */
  readonly copies?: 1 | 2
  /** Keys that may wait in a node's journal; `set` waits while there are more. Default 100,000. */
  readonly max?: number
}

/** What an application may want to hear of. */
export interface CacheEvents {
  /** Something failed in the background: a refresh, a late invalidation, a value that the codec can't write or read. */
  error(error: unknown): void
}

/** The same with nothing left open; times in ms. */
export interface CacheSettings<V> {
  readonly namespace: string
  readonly ttlMs: number
  readonly staleMs: number
  readonly negativeMs: number
  readonly jitterShare: number
  readonly isSliding: boolean
  /** β of XFetch; 0: no early refresh. */
  readonly earlyBeta: number
  readonly l1:
    | {
        readonly maxEntries: number
        readonly maxBytes?: number
        readonly policy: L1Policy
        /** It takes keys of the published hot set only. */
        readonly isHotOnly: boolean
      }
    | undefined
  readonly load: Loader<V> | undefined
  readonly loadMany: ManyLoader<V> | undefined
  readonly write: SourceWriter<V> | undefined
  readonly behind: BehindSettings | undefined
  readonly isStrict: boolean
  readonly l2TimeoutMs: number
  readonly loadTimeoutMs: number
  readonly softTimeoutMs: number
  readonly version: ((value: V) => number | bigint) | undefined
  readonly codec: Codec<V>
}

export interface BehindSettings {
  readonly delayMs: number
  readonly batchKeys: number
  readonly copies: 1 | 2
  readonly maxPending: number
}

const defaults = { l1Entries: 10_000, l2TimeoutMs: 50, loadTimeoutMs: 10_000, jitterShare: 0.1, earlyBeta: 1 }

/** Errors: `invalid`, naming the option. */
export function settingsOf<V>(options: CacheOptions<V>): CacheSettings<V> {
  const { namespace = 'cache', timeout = {}, l1 = {}, early = defaults.earlyBeta } = options
  const { jitter = defaults.jitterShare, codec = jsonCodec<V>() } = options
  const ttlMs = durationMs('ttl', options.ttl)
  require(ttlMs >= 1, 'ttl', 'a value must be fresh for 1 ms at least')
  require(/^[^:#\s]+$/.test(namespace), 'namespace', 'it is one word without : and #')
  require(jitter >= 0 && jitter < 1, 'jitter', 'it is a share from 0 to below 1')
  require(early === false || early > 0, 'early', 'it is a positive number or false')
  checkCodecId(codec.id, 255)
  require(!options.strict || options.write !== undefined, 'strict', 'it needs `write`')
  require(!options.behind || options.write !== undefined, 'behind', 'it needs `write`')
  require(!options.behind || !options.strict, 'strict', 'with `behind` the source is not written by `set`')
  return {
    namespace,
    ttlMs,
    staleMs: durationMs('stale', options.stale ?? 0),
    negativeMs: durationMs('negative', options.negative ?? 0),
    jitterShare: jitter,
    isSliding: options.sliding ?? false,
    earlyBeta: early === false ? 0 : early,
    l1: l1 === false ? undefined : l1 === 'hot' ? l1OfHotKeys : l1Of(l1),
    load: options.load,
    loadMany: options.loadMany,
    write: options.write,
    behind: options.behind ? behindOf(options.behind) : undefined,
    isStrict: options.strict ?? false,
    l2TimeoutMs: durationMs('timeout.l2', timeout.l2 ?? defaults.l2TimeoutMs),
    loadTimeoutMs: durationMs('timeout.load', timeout.load ?? defaults.loadTimeoutMs),
    softTimeoutMs: durationMs('timeout.soft', timeout.soft ?? 0),
    version: options.version,
    codec,
  }
}

/** No set is larger, so that nothing leaves for want of room. */
const l1OfHotKeys = { maxEntries: maxHotKeys, policy: 's3fifo', isHotOnly: true } as const

function l1Of({
  max = defaults.l1Entries,
  bytes,
  policy = 's3fifo',
}: Exclude<CacheOptions<never>['l1'], false | 'hot' | undefined>) {
  require(Number.isInteger(max) && max >= 1, 'l1.max', 'it is a number of entries, at least 1')
  require(bytes === undefined || bytes >= 1, 'l1.bytes', 'it is a number of bytes, at least 1')
  return { maxEntries: max, policy, isHotOnly: false, ...(bytes === undefined ? {} : { maxBytes: bytes }) }
}

function behindOf({ delay = 100, batch = 100, copies = 1, max = 100_000 }: BehindOptions): BehindSettings {
  require(Number.isInteger(batch) && batch >= 1, 'behind.batch', 'it is a number of keys, at least 1')
  require(Number.isInteger(max) && max >= 1, 'behind.max', 'it is a number of keys, at least 1')
  return {
    delayMs: durationMs('behind.delay', delay),
    batchKeys: batch,
    copies,
    maxPending: max,
  }
}

function require(isRight: boolean, option: string, why: string): void {
  if (!isRight) throw invalid(`${option}: ${why}`)
}
