/** The cache's second tier, looked at on its way: what each lookup found, and how long it took. */
import type { L2Found, L2Port } from '../../../cache/ports.js'
import type { Clock } from '../../../clock.js'

export interface LookupObserver {
  onLookup(keys: readonly Buffer[], founds: readonly L2Found[], tookMs: number): void
}

/** Everything else goes to `l2` as it is. */
export function observeLookups(l2: L2Port, clock: Clock, observer: LookupObserver): L2Port {
  const observed: L2Port = Object.create(l2)
  observed.getOrLease = async (keys, lease) => {
    const startedMs = clock.nowMs()
    const founds = await l2.getOrLease(keys, lease)
    observer.onLookup(keys, founds, clock.nowMs() - startedMs)
    return founds
  }
  return observed
}
