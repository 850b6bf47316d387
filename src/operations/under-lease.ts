/** Work on the ring that one operator does at a time: the lease ends with the body, and losing it aborts the body. */
import type { ControlStore, Lease } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { keepLease } from './keep-lease.js'
import type { FleetPort, ProgressPort } from './ports.js'

export interface LeasePorts {
  readonly control: ControlStore
  readonly fleet: FleetPort
  readonly clock: Clock
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

/**
 * `holder`: who works, for others: `pid 812 on host a`. The nodes obey this lease's token from here on; with `force`
 * also when they have seen a larger one: the store that counted them was emptied.
 */
export async function underLease<P extends LeasePorts, T>(
  holder: string,
  ports: P,
  body: (lease: Lease, ports: P) => Promise<T>,
  { force = false }: { readonly force?: boolean } = {},
): Promise<T> {
  const lease = await ports.control.acquireLease(holder)
  const kept = keepLease({ lease, holder }, ports)
  try {
    await ports.fleet.takeOver({ token: lease.token, force })
    return await body(lease, { ...ports, signal: kept.signal })
  } finally {
    await kept.release()
    ports.progress.end()
  }
}
