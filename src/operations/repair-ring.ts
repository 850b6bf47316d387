/** Mends drift by the rules of a change: misplaced keys go to their owners, equal second copies go, others stay. */
import { refused } from '../errors.js'
import { sameRing } from '../ring/epoch.js'
import type { OperatorPorts } from './change-ring.js'
import type { CheckOptions } from './check-ring.js'
import { type RelocationResult, relocateKeys } from './relocate-keys.js'
import { underLease } from './under-lease.js'

export interface RepairRequest {
  readonly ring: CheckOptions['ring']
  readonly concurrency: number
  /** Who repairs, for others. */
  readonly holder: string
}

/** Under the lease: keys that a change is moving would be carried back. */
export function repairRing(
  { ring, concurrency, holder }: RepairRequest,
  ports: OperatorPorts,
): Promise<RelocationResult> {
  return underLease(holder, ports, async ({ token }, leased) => {
    const { control, clock, progress, signal } = leased
    const stored = await control.load()
    if (stored && stored.state.phase !== 'stable') {
      throw refused(
        `a change of the ring is unfinished (epoch ${stored.state.epoch}, ${stored.state.phase})`,
        '`cachectl ring resume` finishes it. Nothing was changed.',
      )
    }
    if (stored && !sameRing(stored.state.before, ring.topology)) {
      throw refused(
        `the control store holds another ring (epoch ${stored.state.epoch}) than the topology file says`,
        '`cachectl ring apply` brings the ring to what the file says. Nothing was changed.',
      )
    }
    const keys = leased.keysUnder({ token, replicas: 0 })
    const nodes = ring.topology.nodes.map((node) => node.id)
    await Promise.all(nodes.map((node) => keys.sweep(node)))
    return relocateKeys({ nodes, ring, keys, clock, progress, signal, concurrency, expectedKeyCount: 0 })
  })
}
