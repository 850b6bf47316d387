/**
 * What a reader does when it has to load: call the loader, put the value where it belongs, and serve it. That a node is away
 * costs the value its place, never the reader its value.
 */
import type { CacheCore, Written } from './core.js'
import { always, type Flight } from './flight.js'
import { callLoader, type LoadedValue } from './load.js'
import type { Loader } from './options.js'
import type { Filled, L2Found, L2Lease, Vouch } from './ports.js'
import { allOf } from './tags.js'

/** null: the source of truth has none; undefined: not found, and there was no loader. */
export type Read<V> = V | null | undefined

/** A process that dies leaves its lease for so long; who lives renews it. */
export const leaseMs = 2_000
/** What was loaded past a node that is away is good for so long: nobody tells of its invalidation. */
const untoldMs = 1_000

/** For what begins now, and of whose changes nobody tells. */
export function untold(nowMs: number): Vouch {
  return { untilMs: nowMs + untoldMs }
}

/** For what nobody tells of, and whose node can be asked instead: whoever comes later begins anew. */
export const unshared: Vouch = { untilMs: Number.NEGATIVE_INFINITY }

export class Loads<V> {
  constructor(private readonly core: CacheCore<V>) {}

  /** One request for the keys of one node. Errors: as of `withinDeadline`. */
  async ask(keys: readonly Buffer[], lease: L2Lease): Promise<L2Found[]> {
    // others would wait for a load that nobody makes
    const tooLate = (founds: readonly L2Found[]) => {
      for (const [index, { kind }] of founds.entries())
        if (kind === 'leased') void this.release(keys[index]!, lease.token)
    }
    return this.core.inTime(keys[0]!, this.core.l2!.getOrLease(keys, lease), tooLate)
  }

  /** `vouch`: of the answer that gave the lease. */
  async loadAndFill(
    key: string,
    flight: Flight<Read<V>>,
    lease: { readonly token: string; readonly vouch: Vouch | undefined; readonly load: Loader<V> },
  ): Promise<Read<V>> {
    const { token, vouch, load } = lease
    flight.vouch = vouch ?? unshared
    const l2 = this.core.l2!
    const whole = this.core.wholeKey(key)
    const renewal = setInterval(() => {
      l2.keepLease(whole, { token, leaseMs, isTold: vouch !== undefined }).catch(() => undefined) // without it others load too: no harm but work
    }, leaseMs / 4)
    try {
      const loaded = await this.load(key, load, undefined)
      const isTaken =
        this.core.isKept(loaded) &&
        (await this.put(key, flight, loaded, (fill) => l2.fill(whole, { token, ...fill })))
      if (!isTaken) await this.release(whole, token)
      return loaded.value
    } catch (error) {
      await this.release(whole, token)
      throw error
    } finally {
      clearInterval(renewal)
    }
  }

  async loadAndRefill(
    key: string,
    flight: Flight<Read<V>>,
    refill: {
      readonly stamp: string
      readonly token: string
      readonly load: Loader<V>
      readonly stale: V | undefined
    },
  ): Promise<Read<V>> {
    const { stamp, token, load, stale } = refill
    const loaded = await this.load(key, load, stale)
    const l2 = this.core.l2!
    const whole = this.core.wholeKey(key)
    const isTaken =
      this.core.isKept(loaded) &&
      (await this.put(key, flight, loaded, (fill) => l2.refill(whole, { stamp, token, ...fill })))
    // what stands there is older than what can't be kept
    if (!isTaken && (loaded.value === null || !loaded.isOutdated))
      await l2.remove([whole]).catch((error: unknown) => this.core.failed(error))
    return loaded.value
  }

  /**
   * Puts a loaded value at L2 and, where that went well, into L1. That a node is away costs the value its place only, and so
   * does a value that the codec can't write: then false.
   */
  private async put(
    key: string,
    flight: Flight<Read<V>>,
    loaded: LoadedValue<V>,
    fill: (fill: { body: Buffer; ttlMs: number; isTold: boolean }) => Promise<Filled>,
  ): Promise<boolean> {
    const { stats, clock, tags } = this.core
    const written = this.written(key, loaded.value)
    if (!written) return false
    const { body, freshMs, ttlMs } = this.core.encode(loaded, written)
    const sentMs = clock.nowMs()
    try {
      const request = fill({ body, ttlMs, isTold: this.core.mayKeep(key) })
      const { isFilled, vouch } = await this.core.inTime(this.core.wholeKey(key), request)
      if (!isFilled) {
        stats.revoked += 1
        return true
      }
      stats.fills += 1
      const isCurrent = !flight.isDirty && (loaded.tags.length === 0 || loaded.tagChanges === tags.changes)
      if (!vouch || !isCurrent) return true
      this.core.keep(key, loaded.value, {
        freshUntilMs: sentMs + freshMs,
        loadMs: loaded.loadMs,
        bytes: body.length,
        vouch: loaded.tagVouches.length === 0 ? vouch : allOf([vouch, ...loaded.tagVouches]),
        tags: loaded.tags,
      })
    } catch (error) {
      this.core.failed(error)
    }
    return true
  }

  private written(key: string, value: V | null): Written | undefined {
    try {
      return this.core.write(key, value)
    } catch (error) {
      this.core.on.error?.(error)
      return undefined
    }
  }

  /** Past L2: its node does not answer, or a writer is at work. */
  async detour(key: string, flight: Flight<Read<V>>, load: Loader<V> | undefined): Promise<Read<V>> {
    if (!load) return undefined
    this.core.stats.detours += 1
    const startedMs = this.core.clock.nowMs()
    flight.vouch = untold(startedMs)
    const loaded = await this.load(key, load, undefined)
    const bytes = this.l1Bytes(key, loaded.value)
    const isKept = this.core.isKept(loaded) && loaded.tags.length === 0
    if (!flight.isDirty && bytes !== undefined && isKept) {
      this.core.keep(key, loaded.value, {
        freshUntilMs: startedMs + this.core.freshMsOf(loaded),
        loadMs: loaded.loadMs,
        bytes,
        vouch: flight.vouch,
        tags: [],
      })
    }
    return loaded.value
  }

  /** Without L2: nobody else can change it. */
  async loadHere(key: string, flight: Flight<Read<V>>, load: Loader<V> | undefined): Promise<Read<V>> {
    if (!load) return undefined
    const loaded = await this.load(key, load, undefined)
    const { tags } = this.core
    const isCurrent = loaded.tags.length === 0 || loaded.tagChanges === tags.changes
    const bytes = this.l1Bytes(key, loaded.value)
    if (!flight.isDirty && isCurrent && bytes !== undefined && this.core.isKept(loaded)) {
      this.core.keep(key, loaded.value, {
        freshUntilMs: this.core.clock.nowMs() + this.core.freshMsOf(loaded),
        loadMs: loaded.loadMs,
        bytes,
        vouch: always,
        tags: loaded.tags,
      })
    }
    return loaded.value
  }

  /** What a value that stands in L1 alone counts for its bound in bytes; undefined: the codec can't tell. */
  private l1Bytes(key: string, value: V | null): number | undefined {
    return this.core.settings.l1?.maxBytes === undefined ? 0 : this.written(key, value)?.bytes.length
  }

  private async release(key: Buffer, token: string): Promise<void> {
    await this.core.l2!.releaseLease(key, token).catch(() => undefined) // it is over by itself in a moment
  }

  /** Counts one call of the loader. */
  async load(key: string, load: Loader<V>, stale: V | undefined): Promise<LoadedValue<V>> {
    const { stats, settings, clock, tags } = this.core
    stats.loads += 1
    try {
      const failed = (error: unknown) => this.core.failed(error)
      return await this.core.timed('load', () =>
        callLoader(key, load, { clock, tags, timeoutMs: settings.loadTimeoutMs, stale, failed }),
      )
    } catch (error) {
      stats.loadErrors += 1
      throw error
    }
  }
}
