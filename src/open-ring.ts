/** The ring of a topology file for an application: a client that follows its control store. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { systemClock } from './clock.js'
import { readAccess } from './files/secrets.js'
import { RingClient } from './redis/ring-client.js'

/**
 * Opens the ring that the file describes; passwords come from the environment, as the file says. The client owns its
 * connections until it is closed. Errors: `CachectlError` when the file is invalid, the store holds no ring
 * (`cachectl ring apply` puts it there), or it does not answer.
 */
export async function openRing(
  topologyFile: string,
  options: {
    /** ms without an answer that cost a connection; default 2,000. */ commandTimeoutMs?: number
  } = {},
): Promise<RingClient> {
  // only here: see open-cache.ts
  const { loadTopology } = await import('./files/topology-file.js')
  const { openControl } = await import('./open-control.js')
  const file = await loadTopology(resolve(topologyFile), topologyFile)
  return RingClient.open({
    control: await openControl(file),
    readAccess: (nodes) => readAccess(nodes, process.env),
    clock: systemClock,
    origin: `pid ${process.pid} on ${hostname()}`,
    ...options,
  })
}
