/** What an operator acts through: control store, nodes, journal, progress; opened for one command and closed with it. */
import { randomUUID } from 'node:crypto'
import { operatorPrefix } from './cache/ports.js'
import { systemClock } from './clock.js'
import { withFailpoint } from './failpoint.js'
import { createJournal } from './files/journal.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import { journalPath, openControl } from './open-control.js'
import type { ClientMode, OperatorPorts } from './operations/change-ring.js'
import type { NodeFactsPort } from './operations/ports.js'
import type { Held } from './redis/movers.js'
import type { NodeSpec } from './ring/topology.js'

export interface OperatorOptions {
  readonly file: TopologyFile
  /** All that it may touch. */
  readonly nodes: readonly NodeSpec[]
  /** Of `follow`, nobody writes a moving key at its source; else the source is watched, and conflicts are kept. */
  readonly clients: ClientMode
  readonly bigKeyBytes: number
  readonly facts: NodeFactsPort
  readonly signal: AbortSignal
  /** A line for people, beside what is printed. */
  readonly warn: (text: string) => void
}

export async function withOperatorPorts<T>(
  options: OperatorOptions,
  body: (ports: OperatorPorts) => Promise<T>,
): Promise<T> {
  const [
    { withNodeKeys },
    { withFleet },
    { liveMover, watchingMover },
    { pinServers },
    { openConnection },
    { createProgress },
  ] = await Promise.all([
    import('./redis/node-keys.js'),
    import('./redis/fleet.js'),
    import('./redis/movers.js'),
    import('./redis/pinned-server.js'),
    import('./redis/resp-connection.js'),
    import('./terminal/progress.js'),
  ])
  const { file, nodes, clients, bigKeyBytes, facts, signal, warn } = options
  const journaling = { ring: file.topology.name, clock: systemClock, warn }
  const accesses = await readAccess(nodes, process.env)
  let now: Held = { token: 0, replicas: 0 }
  const held = () => now
  const mover = (clients === 'legacy' ? watchingMover : liveMover)({ bigKeyBytes, held })
  const shared = {
    clock: systemClock,
    operatorName: `${operatorPrefix}${randomUUID()}`,
    open: pinServers(openConnection),
  }
  const control = await openControl(file)
  try {
    return await withNodeKeys(accesses, { ...shared, signal, moving: { mover, held } }, (keys) =>
      withFleet(accesses, shared, async (fleet) =>
        body({
          facts,
          fleet,
          control,
          journal: withFailpoint(createJournal(journalPath(file.path), journaling), process.env),
          clock: systemClock,
          progress: await createProgress(),
          signal,
          keysUnder: (lease) => {
            now = lease
            return keys
          },
        }),
      ),
    )
  } finally {
    await control.close()
  }
}
