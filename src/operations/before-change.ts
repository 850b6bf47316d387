/** What must hold before an operator begins, besides the nodes' own state: the store, the rights, the clients. */
import { type ControlStore, clientOf } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import { type RingState, sameRing } from '../ring/epoch.js'
import type { Topology } from '../ring/topology.js'
import type { FleetPort } from './ports.js'

/** Whether the ring's clients follow the control store: all; some do not; nobody is using the ring. */
export type ClientMode = 'follow' | 'legacy' | 'none'

const namingMs = 200

/** A gate rises one step before its epoch is published, never further. */
export async function requireEpoch({
  fleet,
  control,
}: {
  readonly fleet: FleetPort
  readonly control: ControlStore
}): Promise<void> {
  const seen = await fleet.highestGate()
  const epoch = (await control.load())?.state.epoch ?? 0
  if (seen <= epoch + 1) return
  throw refused(
    `the control store holds ${epoch === 0 ? 'no ring' : `epoch ${epoch}`}, but the nodes have seen epoch ${seen}: it was rolled back or emptied`,
    'Restore it, or `cachectl ring apply --mend-store` once the topology file says how the ring is. Nothing was changed.',
  )
}

/** The store may hold: nothing, the topology before, the very change asked for, or its end. Anything else is refused. */
export function requireSame(
  { before, after }: { readonly before: Topology; readonly after: Topology },
  state: RingState | undefined,
): void {
  if (!state) return
  if (state.phase === 'stable') {
    if (sameRing(state.before, before) || sameRing(state.before, after)) return
    throw refused(
      `the control store holds another ring (epoch ${state.epoch}) than the topology file says`,
      '`cachectl ring status` shows it; `cachectl ring apply` brings the ring to what the file says.',
    )
  }
  if (sameRing(state.before, before) && sameRing(state.after, after)) return
  throw refused(
    `another change of the ring is unfinished (epoch ${state.epoch}, ${state.phase})`,
    '`cachectl ring resume` finishes it, `cachectl ring abort` takes it back while no key has moved.',
  )
}

/** Half a change under a user who may not do the rest would be the worst of all. */
export async function requireRights(fleet: FleetPort): Promise<void> {
  const missing = Object.entries(await fleet.missingRights())
  if (missing.length === 0) return
  throw refused(
    missing.map(([node, rights]) => `node ${node}: this user may not run ${rights.join(' ')}`).join('\n'),
    'Grant these rights (ACL SETUSER) on every key; docs/migration.md has the whole list. Nothing was changed.',
  )
}

export async function refuseOthers(
  clients: ClientMode,
  { fleet, clock }: { readonly fleet: FleetPort; readonly clock: Clock },
): Promise<void> {
  if (clients !== 'follow') return
  const unnamed = async () => (await fleet.connections()).filter(({ name }) => clientOf(name) === undefined)
  const first = await unnamed()
  if (first.length === 0) return
  // a client that connects just now says its name in a moment
  await clock.sleep(namingMs)
  const others = (await unnamed()).filter(({ node, id }) =>
    first.some((each) => each.node === node && each.id === id),
  )
  if (others.length === 0) return
  const shown = others
    .slice(0, 5)
    .map(
      ({ node, address, name }) =>
        `  ${node}: ${printable(address)}${name ? ` (${printable(name, 40)})` : ''}`,
    )
  throw refused(
    [`${others.length} connections do not follow the control store:`, ...shown].join('\n'),
    'Their clients would miss keys that have moved, and their writes could go astray. --clients legacy goes on with ' +
      'what can be promised to them, --clients none if nobody uses the ring now.',
  )
}
