/**
 * Reading a key: L1, then its node, then the source of truth; in each process and over all processes one load at a time.
 *
 * Invariant: L1 takes a value only from a read that nothing has made dirty since its request was sent, together with the
 * word of the node that answered.
 */
import type { CacheCore } from './core.js'
import { always, type Flight, Flights } from './flight.js'
import { type Loads, leaseMs, type Read, unshared } from './loads.js'
import type { Loader } from './options.js'
import type { L2Found } from './ports.js'
import type { Refresher } from './refresher.js'
import { l1SampledOneIn } from './timings.js'
import { freshToken } from './token.js'
import { keepUnpacked, unpack } from './unpack.js'

/** What others load is looked for again after so long, where nobody tells that it is there. */
const lookAgainMs = 250

export class Reader<V> {
  readonly flights = new Flights<Read<V>>()

  constructor(
    private readonly core: CacheCore<V>,
    private readonly loads: Loads<V>,
    private readonly refresher: Refresher<V>,
  ) {}

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
      if ((stats.l1Hits & (l1SampledOneIn - 1)) === 0) this.timeHit(key)
      if (settings.l1?.isHotOnly) this.core.local.count(key)
      if (load && this.refresher.isEarly(freshMs, l1.loadMsAt(slot))) this.refresher.start(key, load)
      if (settings.isSliding && value !== null) this.core.slide(key, freshMs)
      return value
    }
    return load ? this.serveStale(key, value, load) : elsewhere
  }

  /** By doing it once more: a second reading of the clock in every hit would cost more than the hit. */
  private timeHit(key: string): void {
    const { clock, timings } = this.core
    const startedMs = clock.nowMs()
    this.peek(key)
    timings.record('l1', clock.nowMs() - startedMs)
  }

  /** Whatever is read of the key from now on begins anew. */
  invalidate(key: string): void {
    this.flights.invalidate(key)
    this.refresher.flights.invalidate(key)
    this.core.l1?.delete(key)
  }

  invalidateAll(): void {
    this.flights.invalidateAll()
    this.refresher.flights.invalidateAll()
  }

  /** What another caller is reading already; undefined: nobody is. */
  join(key: string, load: Loader<V> | undefined): Promise<Read<V>> | undefined {
    const other = this.flights.of(key)
    const { clock, stats, timings } = this.core
    const startedMs = clock.nowMs()
    if (!other || startedMs >= other.vouch.untilMs) return undefined
    return other.promise.then((read) => {
      // the other had no loader
      if (read === undefined && load) return this.fly(key, load)
      stats.shared += 1
      timings.record('shared', clock.nowMs() - startedMs)
      return read
    })
  }

  /** Starts the key's one flight in this process. */
  launch(key: string, body: (flight: Flight<Read<V>>) => Promise<Read<V>>): Promise<Read<V>> {
    const { clock, timings } = this.core
    const startedMs = clock.nowMs()
    const flight = this.flights.start(key)
    body(flight)
      .then(
        (read) => {
          timings.record(flight.outcome, clock.nowMs() - startedMs)
          flight.resolve(read)
        },
        (error: unknown) => {
          timings.record('readError', clock.nowMs() - startedMs)
          flight.reject(error)
        },
      )
      .finally(() => this.flights.end(key, flight))
    return flight.promise
  }

  /** Waits for all that is under way. */
  async settle(): Promise<void> {
    await Promise.allSettled(
      [...this.flights.all(), ...this.refresher.flights.all()].map(({ promise }) => promise),
    )
  }

  private fly(key: string, load: Loader<V> | undefined, giveUpMs?: number): Promise<Read<V>> {
    return this.join(key, load) ?? this.launch(key, (flight) => this.fetch(key, flight, load, { giveUpMs }))
  }

  /** From its node, or loaded. `isTold`: it has been looked at already, and is waited for. */
  async fetch(
    key: string,
    flight: Flight<Read<V>>,
    load: Loader<V> | undefined,
    how: { readonly giveUpMs?: number | undefined; readonly isTold?: boolean } = {},
  ): Promise<Read<V>> {
    const { l2, late, clock, settings } = this.core
    const { giveUpMs = clock.nowMs() + settings.loadTimeoutMs } = how
    let { isTold = false } = how
    if (!l2) return this.miss(await this.loads.loadHere(key, flight, load))
    const whole = this.core.wholeKey(key)
    const token = freshToken()
    for (;;) {
      // a dirty flight is told nothing any more: neither that its wait is over nor that what it reads is old
      if (flight.isDirty) return this.fly(key, load, giveUpMs)
      const node = l2.ownerOf(whole)
      if (!l2.isUp(node) || clock.nowMs() > giveUpMs) return this.detour(key, flight, load)
      // its node holds what we could not remove yet
      if (late.has({ key: whole })) return this.detourUnkept(key, flight, load)
      let found: L2Found
      try {
        const lease = { token, leaseMs: load ? leaseMs : 0, isTold: isTold || this.core.mayKeep(key) }
        found = (await this.loads.ask([whole], lease))[0]!
      } catch (error) {
        this.core.failed(error)
        return this.detour(key, flight, load)
      }
      switch (found.kind) {
        case 'value': {
          const read = await this.takeStored(key, flight, found, load)
          if (read !== again) return read
          await this.await(flight, { ms: lookAgainMs, isTold: isTold || found.vouch !== undefined })
          break
        }
        case 'leased':
          return this.miss(
            await this.loads.loadAndFill(key, flight, { token, vouch: found.vouch, load: load! }),
          )
        case 'busy':
          if (!load) return this.miss(undefined)
          await this.await(flight, {
            ms: Math.min(found.leftMs + 1, lookAgainMs),
            isTold: isTold || found.isTold,
          })
          break
        case 'marked':
          // what the source says now may be old in a moment
          return this.detourUnkept(key, flight, load)
        case 'absent':
          return this.miss(undefined)
        default:
          return found satisfies never
      }
      isTold = true
    }
  }

  /** A value that stands at L2: good, stale, or not to be served; `again`: somebody else is loading it. */
  async takeStored(
    key: string,
    flight: Flight<Read<V>>,
    found: L2Found & { readonly kind: 'value' },
    load: Loader<V> | undefined,
  ): Promise<Read<V> | typeof again> {
    const { stats, settings, tags, clock } = this.core
    const readMs = clock.nowMs()
    const { changes } = tags
    const { value: stored, replica } = found
    // of a replica's value nobody would make it dirty
    flight.vouch = found.vouch ?? replica ?? unshared
    const unpacked = await unpack(this.core, key, stored)
    if (replica && !(unpacked && unpacked.freshMs > 0)) {
      flight.vouch = always
      replica.refuse()
      return again
    }
    if (!unpacked) return load ? this.replace(key, flight, found, load) : this.miss(undefined)
    const { freshMs, value, body } = unpacked
    if (freshMs > 0) {
      stats.l2Hits += 1
      if (replica) stats.replicaHits += 1
      flight.outcome = 'l2'
      if (load && this.refresher.isEarly(freshMs, body.loadMs)) this.refresher.start(key, load)
      const isCurrent = !flight.isDirty && (body.tags.length === 0 || tags.changes === changes)
      if (isCurrent) keepUnpacked(this.core, key, unpacked, { ...found, readMs })
      if (settings.isSliding && value !== null) this.core.slide(key, freshMs, stored.stamp)
      return value
    }
    return load ? this.serveStale(key, value, load, flight) : this.miss(undefined)
  }

  /** Loads in place of a value that nobody may serve, unless others do. */
  private async replace(
    key: string,
    flight: Flight<Read<V>>,
    { value: { stamp } }: L2Found & { readonly kind: 'value' },
    load: Loader<V>,
  ): Promise<Read<V> | typeof again> {
    const right = { stamp, token: freshToken(), leaseMs }
    const mayReplace = await this.refresher.mayReplace(key, right)
    if (mayReplace === undefined) return this.detour(key, flight, load)
    if (mayReplace) {
      return this.miss(await this.loads.loadAndRefill(key, flight, { ...right, load, stale: undefined }))
    }
    return again
  }

  /** For what is then read again, for all who come until then. Who would not be told when it is over looks once more first. */
  private async await(
    flight: Flight<Read<V>>,
    { ms, isTold }: { ms: number; isTold: boolean },
  ): Promise<void> {
    flight.vouch = always
    if (!isTold) return
    this.core.stats.waits += 1
    // an invalidation that came with the answer has told already that there is something new
    if (!flight.isDirty) await this.core.timed('wait', () => flight.wait(ms))
  }

  /** Serves the value and loads it anew; with a soft timeout it waits a moment for the new one. */
  private async serveStale(
    key: string,
    value: V | null,
    load: Loader<V>,
    flight?: Flight<Read<V>>,
  ): Promise<Read<V>> {
    const { stats, settings, clock } = this.core
    const refresh = this.refresher.start(key, load)
    if (settings.softTimeoutMs > 0 && clock.nowMs() < refresh.vouch.untilMs) {
      const fresh = await Promise.race([
        refresh.promise.catch(() => undefined),
        clock.sleep(settings.softTimeoutMs),
      ])
      if (fresh !== undefined) return this.miss(fresh)
    }
    stats.staleHits += 1
    if (flight) flight.outcome = 'stale'
    return value
  }

  async detour(key: string, flight: Flight<Read<V>>, load: Loader<V> | undefined): Promise<Read<V>> {
    return this.miss(await this.loads.detour(key, flight, load))
  }

  private detourUnkept(key: string, flight: Flight<Read<V>>, load: Loader<V> | undefined): Promise<Read<V>> {
    flight.isDirty = true
    return this.detour(key, flight, load)
  }

  miss(read: Read<V>): Read<V> {
    this.core.stats.misses += 1
    return read
  }
}

/** L1 has nothing that it may serve. */
export const elsewhere = Symbol('elsewhere')
/** It is being loaded by others: to be read again. */
export const again = Symbol('again')
