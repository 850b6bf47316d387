/** What every part of one cache shares: its tiers, its settings, and how a value is kept. */
import type { Clock } from '../clock.js'
import { CachectlError, describeError, ExitCode, invalid, isUnreachable } from '../errors.js'
import { printable } from '../printable.js'
import type { Random } from '../random.js'
import type { L1, L1Meta } from './l1/l1.js'
import { withinDeadline } from './l2-deadline.js'
import type { LateRemovals } from './late-removals.js'
import type { LoadedValue } from './load.js'
import type { LocalKeys } from './local-keys.js'
import type { CacheEvents, CacheSettings } from './options.js'
import type { L2Port } from './ports.js'
import type { CacheStats } from './stats.js'
import { encodeBody, type StoredTag } from './stored-body.js'
import type { TaggedKeys } from './tagged-keys.js'
import type { Tags } from './tags.js'
import type { CacheTimings, TimedPart } from './timings.js'

export interface CacheParts<V> {
  readonly settings: CacheSettings<V>
  readonly l1: L1<V | null> | undefined
  readonly l2: L2Port | undefined
  readonly tags: Tags
  readonly tagged: TaggedKeys
  readonly late: LateRemovals
  readonly local: LocalKeys
  readonly clock: Clock
  readonly random: Random
  readonly stats: CacheStats
  readonly timings: CacheTimings
  readonly on: Partial<CacheEvents>
}

/** How a loaded value is put at L2. */
interface Encoded {
  readonly body: Buffer
  readonly freshMs: number
  /** The key's whole life. */
  readonly ttlMs: number
}

/** A value as the codec has written it. */
export interface Written {
  readonly version: bigint
  readonly bytes: Uint8Array
}

const noBytes = new Uint8Array(0)
/** A sliding value's life is prolonged once in this share of it, not at every hit. */
const slideShare = 0.1

export class CacheCore<V> {
  readonly settings: CacheSettings<V>
  readonly l1: L1<V | null> | undefined
  readonly l2: L2Port | undefined
  readonly tags: Tags
  readonly clock: Clock
  readonly random: Random
  readonly stats: CacheStats
  readonly timings: CacheTimings
  readonly on: Partial<CacheEvents>
  readonly tagged: TaggedKeys
  readonly late: LateRemovals
  readonly local: LocalKeys
  private readonly prefix: string

  constructor(parts: CacheParts<V>) {
    this.settings = parts.settings
    this.l1 = parts.l1
    this.l2 = parts.l2
    this.tags = parts.tags
    this.tagged = parts.tagged
    this.clock = parts.clock
    this.random = parts.random
    this.stats = parts.stats
    this.timings = parts.timings
    this.on = parts.on
    this.late = parts.late
    this.local = parts.local
    this.prefix = `${parts.settings.namespace}:`
  }

  /** Times it, whether it goes well or not. */
  async timed<T>(part: TimedPart, body: () => Promise<T>): Promise<T> {
    const startedMs = this.clock.nowMs()
    try {
      return await body()
    } finally {
      this.timings.record(part, this.clock.nowMs() - startedMs)
    }
  }

  /** Counts a request to L2 that failed; a node that refuses is told of, too. */
  failed(error: unknown): void {
    this.stats.l2Failures += 1
    if (!isUnreachable(error)) this.on.error?.(error)
  }

  /** A request about a whole key, within the time that its node has. Errors: as of `withinDeadline`. */
  inTime<T>(whole: Buffer, request: Promise<T>, tooLate?: (value: T) => void): Promise<T> {
    const l2 = this.l2!
    const deadline = { node: l2.ownerOf(whole), timeoutMs: this.settings.l2TimeoutMs }
    return withinDeadline(l2, tooLate ? { ...deadline, tooLate } : deadline, request)
  }

  /** The key as it stands on its node. */
  wholeKey(key: string): Buffer {
    return Buffer.from(this.prefix + key)
  }

  /** Whether L1 may hold the key: only then need its node tell of its changes. */
  mayKeep(key: string): boolean {
    const { l1 } = this.settings
    return l1 !== undefined && (!l1.isHotOnly || this.local.has(key))
  }

  keep(
    key: string,
    value: V | null,
    { tags, ...meta }: L1Meta & { readonly tags: readonly StoredTag[] },
  ): void {
    if (!this.l1 || !this.mayKeep(key)) return
    this.l1.set(key, value, meta)
    if (tags.length > 0) this.tagged.add(key, tags)
  }

  isKept({ value, isOutdated }: LoadedValue<V>): boolean {
    return !isOutdated && (value !== null || this.settings.negativeMs > 0)
  }

  /** How long it stays fresh, with its own jitter. */
  freshMsOf({ value, ttlMs }: Pick<LoadedValue<V>, 'value' | 'ttlMs'>): number {
    const { negativeMs, jitterShare, ...settings } = this.settings
    const wholeMs = value === null ? negativeMs : (ttlMs ?? settings.ttlMs)
    return Math.max(1, wholeMs * (1 - jitterShare * this.random.next()))
  }

  /** Errors: `invalid`, naming the key, for a value that its codec can't write. */
  write(key: string, value: V | null): Written {
    const { codec, version } = this.settings
    if (value === null) return { version: 0n, bytes: noBytes }
    try {
      return { version: version ? versionOf(version(value)) : 0n, bytes: codec.encode(value) }
    } catch (error) {
      this.stats.codecErrors += 1
      throw invalid(
        `the value of ${printable(key, 80)} can't be written: ${describeError(error)}`,
        'Give the cache a value that its codec can write, or a codec that can write the value.',
        error,
      )
    }
  }

  /** Errors: what the codec says, naming the key. */
  readBytes(key: string, bytes: Buffer): V {
    try {
      return this.settings.codec.decode(bytes)
    } catch (error) {
      this.stats.codecErrors += 1
      throw new CachectlError(`the value of ${printable(key, 80)} can't be read: ${describeError(error)}`, {
        exitCode: ExitCode.bug,
        cause: error,
      })
    }
  }

  encode(
    loaded: Pick<LoadedValue<V>, 'value' | 'ttlMs' | 'loadMs' | 'tags'>,
    { version, bytes }: Written,
  ): Encoded {
    const { value, loadMs, tags } = loaded
    const staleMs = value === null ? 0 : Math.round(this.settings.staleMs)
    const freshMs = this.freshMsOf(loaded)
    const body = encodeBody({
      version,
      isNull: value === null,
      codecId: this.settings.codec.id,
      staleMs,
      loadMs,
      tags,
      bytes,
    })
    return { body, freshMs, ttlMs: Math.ceil(freshMs) + staleMs }
  }

  /** A hit gives the value its whole life again; L1 reads it anew with that. */
  slide(key: string, freshMs: number, stamp?: string): void {
    const { ttlMs, staleMs, jitterShare } = this.settings
    if (!this.l2 || freshMs > ttlMs * (1 - jitterShare - slideShare)) return
    this.l1?.delete(key)
    this.l2
      .touch(this.wholeKey(key), {
        ...(stamp ? { stamp } : {}),
        ...{ ttlMs: ttlMs + staleMs, isTold: this.mayKeep(key) },
      })
      .catch((error: unknown) => this.on.error?.(error))
  }
}

/** Versions are compared as 20 digits. */
const mostVersion = 10n ** 20n - 1n

function versionOf(version: number | bigint): bigint {
  const whole = BigInt(version)
  if (whole < 0n || whole > mostVersion) throw new RangeError(`its version is ${whole}`)
  return whole
}
