/**
 * What a reader does when it has to load: call the loader, put the value where it belongs, and serve it. That a node is away
 * costs the value its place, never the reader its value.
 */
import { isUnreachable } from '../errors.js'
import type { CacheCore, Written } from './core.js'
import type { Flight } from './flight.js'
import { withinDeadline } from './l2-deadline.js'
import { callLoader, type LoadedValue } from './load.js'
import type { Loader } from './options.js'
import type { Filled, Vouch } from './ports.js'
import { allOf } from './tags.js'

/** null: the source of truth has none; undefined: not found, and there was no loader. */
export type Read<V> = V | null | undefined

/** A process that dies leaves its lease for so long; who lives renews it. */
export const leaseMs = 2_000
/** What was loaded past a node that is away is kept so long: nobody tells of its invalidation. */
const detourMs = 1_000
const always: Vouch = { untilMs: Number.POSITIVE_INFINITY }

export class Loads<V> {
  constructor(private readonly core: CacheCore<V>) {}

  async loadAndFill(
    key: string,
    flight: Flight<Read<V>>,
    { token, load }: { readonly token: string; readonly load: Loader<V> },
  ): Promise<Read<V>> {
    const l2 = this.core.l2!
    const whole = this.core.wholeKey(key)
    const release = () => l2.releaseLease(whole, token).catch(() => undefined) // it is over by itself in a moment
    const renewal = setInterval(() => {
      l2.keepLease(whole, { token, leaseMs }).catch(() => undefined) // without it others load too: no harm but work
    }, leaseMs / 4)
    try {
      const loaded = await this.load(key, load, undefined)
      const isTaken =
        this.core.isKept(loaded) &&
        (await this.put(key, flight, loaded, (fill) => l2.fill(whole, { token, ...fill })))
      if (!isTaken) await release()
      return loaded.value
    } catch (error) {
      await release()
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
    if (!isTaken && (loaded.value === null || !loaded.isOutdated)) await l2.remove([whole])
    return loaded.value
  }

  /**
   * Puts a loaded value at L2 and, where that went well, into L1. That a node is away costs the value its place only, and so
   * does a value that the codec can't write: then false.
   */
  async put(
    key: string,
    flight: Flight<Read<V>>,
    loaded: LoadedValue<V>,
    fill: (fill: { body: Buffer; ttlMs: number }) => Promise<Filled>,
  ): Promise<boolean> {
    const { l2, settings, stats, clock, tags } = this.core
    const node = l2!.ownerOf(this.core.wholeKey(key))
    const written = this.written(key, loaded.value)
    if (!written) return false
    const { body, freshMs, ttlMs } = this.core.encode(loaded, written)
    const sentMs = clock.nowMs()
    const { changes } = tags
    try {
      const deadline = { node, timeoutMs: settings.l2TimeoutMs }
      const { isFilled, vouch } = await withinDeadline(l2!, deadline, fill({ body, ttlMs }))
      if (!isFilled) {
        stats.revoked += 1
        return true
      }
      stats.fills += 1
      const isCurrent = !flight.isDirty && (loaded.tags.length === 0 || changes === tags.changes)
      if (!vouch || !isCurrent) return true
      this.core.keep(key, loaded.value, {
        freshUntilMs: sentMs + freshMs,
        loadMs: loaded.loadMs,
        bytes: body.length,
        vouch: loaded.tagVouches.length === 0 ? vouch : allOf([vouch, ...loaded.tagVouches]),
        tags: loaded.tags,
      })
    } catch (error) {
      stats.l2Failures += 1
      if (!isUnreachable(error)) throw error
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
    const loaded = await this.load(key, load, undefined)
    if (!flight.isDirty && this.core.isKept(loaded) && loaded.tags.length === 0) {
      this.core.keep(key, loaded.value, {
        freshUntilMs: startedMs + this.core.freshMsOf(loaded),
        loadMs: loaded.loadMs,
        bytes: 0,
        vouch: { untilMs: startedMs + detourMs },
        tags: [],
      })
    }
    return loaded.value
  }

  /** Without L2: nobody else can change it. */
  async loadHere(key: string, flight: Flight<Read<V>>, load: Loader<V> | undefined): Promise<Read<V>> {
    if (!load) return undefined
    const loaded = await this.load(key, load, undefined)
    if (!flight.isDirty && this.core.isKept(loaded)) {
      this.core.keep(key, loaded.value, {
        freshUntilMs: this.core.clock.nowMs() + this.core.freshMsOf(loaded),
        loadMs: loaded.loadMs,
        bytes: 0,
        vouch: always,
        tags: loaded.tags,
      })
    }
    return loaded.value
  }

  /** Counts one call of the loader. */
  async load(key: string, load: Loader<V>, stale: V | undefined): Promise<LoadedValue<V>> {
    const { stats, settings, clock, tags } = this.core
    stats.loads += 1
    try {
      return await this.core.timed('load', () =>
        callLoader(key, load, { clock, tags, timeoutMs: settings.loadTimeoutMs, stale }),
      )
    } catch (error) {
      stats.loadErrors += 1
      throw error
    }
  }
}
