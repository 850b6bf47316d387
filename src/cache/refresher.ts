/**
 * Loading a value anew while the old one still stands: in the background, one process at a time. Whoever may do so is told
 * by the value's node; the new value is taken only in place of the very one that was there.
 */
import type { CacheCore } from './core.js'
import { type Flight, Flights } from './flight.js'
import { type Loads, type Read, untold } from './loads.js'
import type { Loader } from './options.js'
import { freshToken } from './token.js'
import { unpack } from './unpack.js'

/** So long a process asks no second time whether it may load a value anew. */
const pauseMs = 100

export class Refresher<V> {
  readonly flights = new Flights<Read<V>>()

  constructor(
    private readonly core: CacheCore<V>,
    private readonly loads: Loads<V>,
  ) {}

  /** XFetch (Vattani et al., VLDB 2015): the closer to its end and the dearer its load, the likelier. */
  isEarly(freshMs: number, loadMs: number): boolean {
    const spreadMs = loadMs * this.core.settings.earlyBeta
    // beyond this the law's chance is below one in a hundred million
    if (freshMs > spreadMs * 20) return false
    return -spreadMs * Math.log(1 - this.core.random.next()) >= freshMs
  }

  /** The one refresh of the key in this process; undefined from it: somebody else's turn. */
  start(key: string, load: Loader<V>): Flight<Read<V>> {
    const under = this.flights.of(key)
    if (under) return under
    const flight = this.flights.start(key)
    this.run(key, flight, load)
      .then(
        (read) => flight.resolve(read),
        (error: unknown) => {
          flight.reject(error)
          this.core.on.error?.(error)
        },
      )
      .finally(() => setTimeout(() => this.flights.end(key, flight), pauseMs).unref())
    return flight
  }

  private async run(key: string, flight: Flight<Read<V>>, load: Loader<V>): Promise<Read<V>> {
    const { l2, settings, stats, clock } = this.core
    if (!l2) {
      stats.refreshes += 1
      return this.loads.loadHere(key, flight, load)
    }
    const whole = this.core.wholeKey(key)
    if (!l2.isUp(l2.ownerOf(whole))) return this.loads.detour(key, flight, load)
    const look = l2.getOrLease([whole], { token: freshToken(), leaseMs: 0, isTold: true })
    const [found] = await this.core.inTime(whole, look)
    if (found?.kind !== 'value') return undefined
    const { stamp } = found.value
    flight.vouch = found.vouch ?? untold(clock.nowMs())
    const unpacked = await unpack(this.core, key, found.value)
    const right = { stamp, token: freshToken(), leaseMs: settings.loadTimeoutMs }
    if (!(await this.core.inTime(whole, l2.startRefresh(whole, right)))) return undefined
    stats.refreshes += 1
    return this.loads.loadAndRefill(key, flight, { ...right, load, stale: unpacked?.value ?? undefined })
  }

  /** The right to load a value anew that nobody may serve; false: somebody else does, or the value has gone; undefined: unknown. */
  async mayReplace(
    key: string,
    right: { readonly stamp: string; readonly token: string; readonly leaseMs: number },
  ) {
    const whole = this.core.wholeKey(key)
    return this.core.inTime(whole, this.core.l2!.startRefresh(whole, right)).catch((error: unknown) => {
      this.core.failed(error)
      return undefined
    })
  }
}
