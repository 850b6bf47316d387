/** Where a ring and its change are: the control store, the clients, the last steps. */
import type { ClientRecord, ControlStore } from '../cache/ports.js'
import type { Phase } from '../ring/epoch.js'

export interface RingStatus {
  readonly schema: 'cachectl/status/v1'
  readonly topology: string
  readonly control: string
  /** null: no change was ever made through this store. */
  readonly epoch: number | null
  readonly phase: Phase | 'none'
  /** Node ids; `after` differs from `before` while a change is under way. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly clients: readonly {
    id: string
    ackedEpoch: number
    secondsAgo: number
    origin: string
    late: boolean
  }[]
  /** The last steps of the journal of this host, oldest first. */
  readonly journal: readonly {
    at: string
    step: string
    details: Readonly<Record<string, string | number>>
  }[]
}

export async function readStatus(
  topology: string,
  { control, journal, wallMs }: { control: ControlStore; journal: RingStatus['journal']; wallMs: number },
): Promise<RingStatus> {
  const stored = await control.load()
  const epoch = stored?.state.epoch ?? null
  const describe = ({ id, ackedEpoch, seenMs, origin }: ClientRecord) => ({
    id,
    ackedEpoch,
    secondsAgo: Math.max(0, (wallMs - seenMs) / 1000),
    origin,
    late: epoch !== null && ackedEpoch < epoch,
  })
  return {
    schema: 'cachectl/status/v1',
    topology,
    control: control.name,
    epoch,
    phase: stored?.state.phase ?? 'none',
    before: stored?.state.before.nodes.map(({ id }) => id) ?? [],
    after: stored?.state.after.nodes.map(({ id }) => id) ?? [],
    clients: (await control.clients()).map(describe),
    journal,
  }
}
