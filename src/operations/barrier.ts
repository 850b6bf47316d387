/**
 * Waits until no client can act on an epoch before the given one: each has acked, or its connections were ended.
 * Clocks only hint when to stop waiting; safety rests on the connections being closed.
 */
import { type ClientRecord, type ControlStore, clientOf } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import type { FleetConnection, FleetPort, ProgressPort } from './ports.js'

export interface BarrierPorts {
  readonly control: ControlStore
  readonly fleet: FleetPort
  readonly clock: Clock
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

/** A client that does not ack is fenced after this; nobody is blocked while we wait. */
const ackTimeoutMs = 2_000
const forgottenMs = 10_000
const pollMs = 20

/** The ids of the clients that had to be fenced. */
export async function passBarrier(epoch: number, ports: BarrierPorts): Promise<string[]> {
  const { control, fleet, clock, progress, signal } = ports
  const startedMs = clock.nowMs()
  const fenced = new Set<string>()
  for (;;) {
    signal.throwIfAborted()
    const [records, connections] = [await control.clients(), await fleet.connections()]
    const late = lateClients(epoch, records, connections).filter((id) => !fenced.has(id))
    if (late.length === 0) return [...fenced]
    progress.update(`waiting for ${late.length} clients to follow to epoch ${epoch}`)
    if (clock.nowMs() - startedMs > ackTimeoutMs) {
      for (const id of late) {
        await fleet.kill(connections.filter(({ name }) => clientOf(name) === id))
        fenced.add(id)
        const seenMs = records.find((record) => record.id === id)?.seenMs ?? 0
        // a process that has died did not sign off; one that lives comes back with its next sign of life
        if (clock.wallMs() - seenMs > forgottenMs) await control.removeClient(id)
      }
      continue
    }
    await clock.sleep(pollMs)
  }
}

/** Also those that have connections and no record: the register may have been lost. */
function lateClients(
  epoch: number,
  records: readonly ClientRecord[],
  connections: readonly FleetConnection[],
): string[] {
  const acked = new Map(records.map(({ id, ackedEpoch }) => [id, ackedEpoch]))
  const ids = new Set([...acked.keys(), ...connections.flatMap(({ name }) => clientOf(name) ?? [])])
  return [...ids].filter((id) => (acked.get(id) ?? -1) < epoch)
}
