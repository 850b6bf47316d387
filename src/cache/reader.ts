/**
 * Reading a key: L1, then its node, then the source of truth; in each process and over all processes one load at a time.
 *
 * Invariant: L1 takes a value only from a read that nothing has made dirty since its request was sent, together with the
 * word of the node that answered.
 */
import { randomBytes } from 'node:crypto'
import { isUnreachable } from '../errors.js'
import type { CacheCore, Written } from './core.js'
import { type Flight, Flights } from './flight.js'
import { withinDeadline } from './l2-deadline.js'
import { callLoader, type LoadedValue } from './load.js'
import type { Loader } from './options.js'
import type { L2Found, StoredValue, Vouch } from './ports.js'
import { decodeBody, type StoredBody } from './stored-body.js'
import { allOf } from './tags.js'

/** null: the source of truth has none; undefined: not found, and there was no loader. */
export type Read<V> = V | null | undefined

/** A value at L2, read. */
interface Kept<V> {
  readonly body: StoredBody
  readonly value: V | null
  /** Until it is not fresh any more, ms; negative: so long ago. */
  readonly freshMs: number
  readonly tagVouches: readonly Vouch[]
}

/** A process that dies leaves its lease for so long; who lives renews it. */
export const leaseMs = 2_000
/** So long a process asks no second time whether it may load a value anew. */
const refreshPauseMs = 100
/** What was loaded past a node that is away is kept so long: nobody tells of its invalidation. */
const detourMs = 1_000

export class Reader<V> {
  readonly flights = new Flights<Read<V>>()
  private readonly refreshes = new Flights<Read<V>>()

  constructor(private readonly core: CacheCore<V>) {}

  /** What `peek` says: the value in L1, if it is fresh. */
  peek(key: string): Read<V> {
    const { l1, clock } = this.core
    const slot = l1?.look(key) ?? -1
    if (!l1 || slot < 0) return undefined
    const nowMs = clock.nowMs()
    return nowMs < l1.vouchAt(slot).untilMs && nowMs < l1.freshUntilAt(slot) ? l1.valueAt(slot) : undefined
  }

  get(key: string, load: Loader<V> | undefined): Read<V> | Promise<Read<V>> {
    const read = this.fromL1(key, load)
    return read === elsewhere ? this.fly(key, load) : read
  }

  /** What L1 may serve; `elsewhere`: nothing. Counts the read. */
  fromL1(key: string, load: Loader<V> | undefined): Read<V> | Promise<Read<V>> | typeof elsewhere {
    const { l1, clock, stats, settings } = this.core
    stats.gets += 1
    const slot = l1 ? l1.find(key) : -1
    if (!l1 || slot < 0) return elsewhere
    const nowMs = clock.nowMs()
    const freshMs = l1.freshUntilAt(slot) - nowMs
    if (nowMs >= l1.vouchAt(slot).untilMs || freshMs <= -settings.staleMs) return elsewhere
    const value = l1.valueAt(slot)
    if (freshMs > 0) {
      stats.l1Hits += 1
      if (load && this.isEarly(freshMs, l1.loadMsAt(slot))) this.refresh(key, load)
      if (settings.isSliding) this.core.slide(key, freshMs)
      return value
    }
    return load ? this.serveStale(key, value, load) : elsewhere
  }

  /** Whatever is read of the key from now on begins anew. */
  invalidate(key: string): void {
    this.flights.invalidate(key)
    this.refreshes.invalidate(key)
    this.core.l1?.delete(key)
  }

  invalidateAll(): void {
    this.flights.invalidateAll()
    this.refreshes.invalidateAll()
  }

  /** What another caller is reading already; undefined: nobody is. */
  join(key: string, load: Loader<V> | undefined): Promise<Read<V>> | undefined {
    const other = this.flights.of(key)
    if (!other) return undefined
    return other.promise.then((read) => {
      // the other had no loader
      if (read === undefined && load) return this.fly(key, load)
      this.core.stats.shared += 1
      return read
    })
  }

  /** Starts the key's one flight in this process. */
  launch(key: string, body: (flight: Flight<Read<V>>) => Promise<Read<V>>): Promise<Read<V>> {
    const flight = this.flights.start(key)
    body(flight)
      .then(
        (read) => flight.resolve(read),
        (error: unknown) => flight.reject(error),
      )
      .finally(() => this.flights.end(key, flight))
    return flight.promise
  }

  /** Waits for all that is under way. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.flights.all(), ...this.refreshes.all()].map(({ promise }) => promise))
  }

  private fly(key: string, load: Loader<V> | undefined): Promise<Read<V>> {
    return this.join(key, load) ?? this.launch(key, (flight) => this.fetch(key, flight, load))
  }

  async fetch(key: string, flight: Flight<Read<V>>, load: Loader<V> | undefined): Promise<Read<V>> {
    const { l2, late, stats, settings, clock } = this.core
    if (!l2) return this.loadHere(key, flight, load)
    const whole = this.core.wholeKey(key)
    const token = freshToken()
    const giveUpMs = clock.nowMs() + settings.loadTimeoutMs
    for (;;) {
      const node = l2.ownerOf(whole)
      if (!l2.isUp(node)) return this.detour(key, flight, load)
      if (late.has({ key: whole })) {
        // its node holds what we could not remove yet
        flight.isDirty = true
        return this.detour(key, flight, load)
      }
      flight.isDirty = false
      let found: L2Found
      try {
        const request = l2.getOrLease([whole], { token, leaseMs: load ? leaseMs : 0 })
        found = (await withinDeadline(l2, { node, timeoutMs: settings.l2TimeoutMs }, request))[0]!
      } catch (error) {
        stats.l2Failures += 1
        if (!isUnreachable(error)) throw error
        return this.detour(key, flight, load)
      }
      switch (found.kind) {
        case 'value':
          return this.takeStored(key, flight, found, load)
        case 'leased':
          return this.loadAndFill(key, flight, { token, load: load! })
        case 'busy':
          if (!load) return this.miss(undefined)
          stats.waits += 1
          if (clock.nowMs() > giveUpMs) return this.detour(key, flight, load)
          // an invalidation that came with the answer has told already that the lease is over
          if (!flight.isDirty) await flight.wait(Math.min(found.leftMs + 1, leaseMs))
          break
        case 'marked':
          // what the source says now may be old in a moment: it is served, and kept nowhere
          flight.isDirty = true
          return this.detour(key, flight, load)
        case 'absent':
          return this.miss(undefined)
        default:
          return found satisfies never
      }
    }
  }

  /** A value that stands at L2: good, stale, outdated by a tag, or not ours to read. */
  async takeStored(
    key: string,
    flight: Flight<Read<V>>,
    { value: stored, vouch }: { readonly value: StoredValue; readonly vouch: Vouch | undefined },
    load: Loader<V> | undefined,
  ): Promise<Read<V>> {
    const { stats, settings, tags, clock } = this.core
    const readMs = clock.nowMs()
    const { changes } = tags
    const kept = await this.read(key, stored)
    if (!kept)
      return load ? this.replace(key, flight, { stored, load, stale: undefined }) : this.miss(undefined)
    const { freshMs, value } = kept
    if (freshMs > 0) {
      stats.l2Hits += 1
      if (load && this.isEarly(freshMs, kept.body.loadMs)) this.refresh(key, load)
      const isCurrent = !flight.isDirty && (kept.body.tags.length === 0 || tags.changes === changes)
      if (vouch && isCurrent) {
        this.core.keep(key, value, {
          freshUntilMs: readMs + freshMs,
          loadMs: kept.body.loadMs,
          bytes: stored.body.length,
          vouch: kept.tagVouches.length === 0 ? vouch : allOf([vouch, ...kept.tagVouches]),
          tags: kept.body.tags,
        })
      }
      if (settings.isSliding) this.core.slide(key, freshMs, stored.stamp)
      return value
    }
    if (!load) return this.miss(undefined)
    return this.serveStale(key, value, load)
  }

  /** undefined: nothing that this cache may serve. */
  private async read(key: string, stored: StoredValue): Promise<Kept<V> | undefined> {
    const { settings, tags, clock } = this.core
    const body = decodeBody(stored.body)
    if (!body || (!body.isNull && body.codecId !== settings.codec.id)) return undefined
    let tagVouches: readonly Vouch[] = []
    if (body.tags.length > 0) {
      const found = await tags.arePresent(body.tags, clock.nowMs()).catch((error: unknown) => {
        if (isUnreachable(error)) return undefined
        throw error
      })
      if (!found?.arePresent) return undefined
      tagVouches = found.vouches
    }
    try {
      const value = body.isNull ? null : this.core.readBytes(key, body.bytes)
      return { body, value, freshMs: stored.leftMs - body.staleMs, tagVouches }
    } catch (error) {
      this.core.on.error?.(error)
      return undefined
    }
  }

  /** Serves the value and loads it anew; with a soft timeout it waits a moment for the new one. */
  private async serveStale(key: string, value: V | null, load: Loader<V>): Promise<Read<V>> {
    const { stats, settings, clock } = this.core
    const refresh = this.refresh(key, load)
    if (settings.softTimeoutMs > 0) {
      const fresh = await Promise.race([
        refresh.promise.catch(() => undefined),
        clock.sleep(settings.softTimeoutMs),
      ])
      if (fresh !== undefined) return this.miss(fresh)
    }
    stats.staleHits += 1
    return value
  }

  /** Loads a value anew that still stands, once over all processes, in the background; undefined: others do. */
  private refresh(key: string, load: Loader<V>): Flight<Read<V>> {
    const under = this.refreshes.of(key)
    if (under) return under
    const flight = this.refreshes.start(key)
    this.renew(key, flight, load)
      .then(
        (read) => flight.resolve(read),
        (error: unknown) => {
          flight.reject(error)
          this.core.on.error?.(error)
        },
      )
      .finally(() => setTimeout(() => this.refreshes.end(key, flight), refreshPauseMs).unref())
    return flight
  }

  private async renew(key: string, flight: Flight<Read<V>>, load: Loader<V>): Promise<Read<V>> {
    const { l2, settings, stats } = this.core
    if (!l2) {
      stats.refreshes += 1
      return this.loadHere(key, flight, load)
    }
    const whole = this.core.wholeKey(key)
    const node = l2.ownerOf(whole)
    if (!l2.isUp(node)) return this.detour(key, flight, load)
    const deadline = { node, timeoutMs: settings.l2TimeoutMs }
    const [found] = await withinDeadline(
      l2,
      deadline,
      l2.getOrLease([whole], { token: freshToken(), leaseMs: 0 }),
    )
    if (found?.kind !== 'value') return undefined
    const kept = await this.read(key, found.value)
    const stale = kept?.value ?? undefined
    return this.replace(key, flight, { stored: found.value, load, stale, isBackground: true })
  }

  /** Loads a value in place of one that stands: whoever gets the right to. */
  private async replace(
    key: string,
    flight: Flight<Read<V>>,
    replacement: {
      readonly stored: StoredValue
      readonly load: Loader<V>
      readonly stale: V | undefined
      readonly isBackground?: boolean
    },
  ): Promise<Read<V>> {
    const { l2, settings, stats } = this.core
    const { stored, load, stale, isBackground = false } = replacement
    const whole = this.core.wholeKey(key)
    const { stamp } = stored
    const token = freshToken()
    const node = l2!.ownerOf(whole)
    const deadline = { node, timeoutMs: settings.l2TimeoutMs }
    const isOurs = await withinDeadline(
      l2!,
      deadline,
      l2!.startRefresh(whole, { stamp, token, leaseMs: settings.loadTimeoutMs }),
    ).catch((error: unknown) => {
      if (isUnreachable(error)) return false
      throw error
    })
    if (!isOurs && isBackground) return undefined
    if (isBackground) stats.refreshes += 1
    const loaded = await this.load(key, load, stale)
    if (!isOurs || !this.core.isKept(loaded)) return this.miss(loaded.value, isBackground)
    await this.put(key, flight, loaded, (fill) => l2!.refill(whole, { stamp, token, ...fill }))
    return this.miss(loaded.value, isBackground)
  }

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
      if (this.core.isKept(loaded)) {
        const isWritten = await this.put(key, flight, loaded, (fill) => l2.fill(whole, { token, ...fill }))
        if (!isWritten) await release()
      } else await release()
      return this.miss(loaded.value)
    } catch (error) {
      await release()
      throw error
    } finally {
      clearInterval(renewal)
    }
  }

  /**
   * Puts a loaded value at L2 and, where that went well, into L1. That a node is away costs the value its place only, and
   * so does a value that the codec can't write: then false.
   */
  private async put(
    key: string,
    flight: Flight<Read<V>>,
    loaded: LoadedValue<V>,
    fill: (fill: { body: Buffer; ttlMs: number }) => Promise<{ isFilled: boolean; vouch: Vouch | undefined }>,
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
    if (!load) return this.miss(undefined)
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
    return this.miss(loaded.value)
  }

  /** Without L2: nobody else can change it. */
  async loadHere(key: string, flight: Flight<Read<V>>, load: Loader<V> | undefined): Promise<Read<V>> {
    if (!load) return this.miss(undefined)
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
    return this.miss(loaded.value)
  }

  private async load(key: string, load: Loader<V>, stale: V | undefined): Promise<LoadedValue<V>> {
    const { stats, settings, clock, tags } = this.core
    stats.loads += 1
    try {
      return await callLoader(key, load, { clock, tags, timeoutMs: settings.loadTimeoutMs, stale })
    } catch (error) {
      stats.loadErrors += 1
      throw error
    }
  }

  private miss(read: Read<V>, isBackground = false): Read<V> {
    if (!isBackground) this.core.stats.misses += 1
    return read
  }

  /** XFetch (Vattani et al., VLDB 2015): the closer to its end and the dearer its load, the likelier. */
  private isEarly(freshMs: number, loadMs: number): boolean {
    const spreadMs = loadMs * this.core.settings.earlyBeta
    // beyond this the law's chance is below one in a thousand million
    if (freshMs > spreadMs * 20) return false
    return -spreadMs * Math.log(1 - this.core.random.next()) >= freshMs
  }
}

/** L1 has nothing that it may serve. */
export const elsewhere = Symbol('elsewhere')

const always: Vouch = { untilMs: Number.POSITIVE_INFINITY }

export function freshToken(): string {
  return randomBytes(12).toString('base64url')
}
