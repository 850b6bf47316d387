/** Who is at the nodes: we with every right that a change needs, and no client that does not follow. Nothing is written. */
import { clientOf } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import type { FleetPort } from './ports.js'

const namingMs = 200

/** Half a change under a user who may not do the rest would be the worst of all. */
export async function requireRights({ fleet }: { fleet: FleetPort }): Promise<void> {
  const missing = Object.entries(await fleet.missingRights())
  if (missing.length === 0) return
  throw refused(
    missing.map(([node, rights]) => `node ${node}: this user may not run ${rights.join(' ')}`).join('\n'),
    'Grant these rights (ACL SETUSER) on every key; docs/migration.md has the whole list. Nothing was changed.',
  )
}

/** Connections whose clients would not notice the change. */
export async function refuseOthers(
  { clients }: { clients: string },
  { fleet, clock }: { fleet: FleetPort; clock: Clock },
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
