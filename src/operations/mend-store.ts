/** A control store that was rolled back or emptied learns the ring anew, at an epoch above all that was served. */
import type { Lease } from '../cache/ports.js'
import { refused } from '../errors.js'
import { firstState, type RingState } from '../ring/epoch.js'
import type { Topology } from '../ring/topology.js'
import { passBarrier } from './barrier.js'
import type { OperatorPorts } from './change-ring.js'
import { clearStrays } from './strays.js'
import { underLease } from './under-lease.js'

/** The last change may have ended one epoch above the gates; one more is room for a state that was never seen. */
const aboveGates = 3

/** Takes the ring to be what `topology` says. `refused` while keys lie where it does not say: then it is another ring. */
export function mendStore(
  { topology, holder }: { readonly topology: Topology; readonly holder: string },
  ports: OperatorPorts,
): Promise<RingState> {
  const mend = async ({ token }: Lease, leased: OperatorPorts) => {
    const stored = await leased.control.load()
    const keys = leased.keysUnder({ token, replicas: 0 })
    await clearStrays({ before: topology, after: topology, dropStrays: false }, { ports: leased, keys })
    const highest = Math.max(stored?.state.epoch ?? 0, await leased.fleet.highestGate())
    const state = { ...firstState(topology), epoch: highest + aboveGates }
    await leased.journal.record('mend', { epoch: state.epoch })
    if (!(await leased.control.compareAndSwap(stored, state)))
      throw refused('another operator wrote the control store meanwhile', 'Run the same command again.')
    await passBarrier(state.epoch, leased)
    await leased.journal.record('end', { epoch: state.epoch })
    return state
  }
  return underLease(holder, ports, mend, { force: true })
}
