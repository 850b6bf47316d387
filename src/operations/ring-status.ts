/** Where a ring and its change are: the control store, who is at work, how far it is, the clients, the last steps. */
import type { ClientRecord, ControlStore, StoredState } from '../cache/ports.js'
import type { Phase } from '../ring/epoch.js'
import { readPause, readProgress } from './notices.js'

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
  /** Who changes or repairs the ring now; null: nobody does. */
  readonly operator: string | null
  /** While a change is unfinished: who wanted it to stand still. With an operator at work it has not stopped yet. */
  readonly pause: { readonly by: string; readonly since: string } | null
  /** While keys move, or would if somebody were at work. */
  readonly progress: StatusProgress | null
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
  /** What is wrong with the journal; nothing safe rests on it. */
  readonly warnings: readonly string[]
}

export interface StatusProgress {
  readonly movedKeyCount: number
  readonly movedBytes: number
  /** An estimate from before the change. */
  readonly expectedKeyCount: number
  /** 0 while nobody is at work. */
  readonly keysPerSec: number
  /** null: not to be told. */
  readonly secondsLeft: number | null
  /** Since the operator told so. */
  readonly secondsAgo: number
}

export interface StatusSources {
  readonly control: ControlStore
  readonly journal: RingStatus['journal']
  readonly warnings: readonly string[]
  readonly wallMs: number
}

export async function readStatus(topology: string, sources: StatusSources): Promise<RingStatus> {
  const { control, wallMs } = sources
  const stored = await control.load()
  const operator = (await control.leaseHolder()) ?? null
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
    operator,
    pause: await pauseOf(stored, { control, operator }),
    progress: await progressOf(stored, { ...sources, operator }),
    clients: (await control.clients()).map(describe),
    journal: sources.journal,
    warnings: sources.warnings,
  }
}

/** A notice to an operator that is gone still says why nobody is at work; to another than the present one it says nothing. */
async function pauseOf(
  stored: StoredState | undefined,
  { control, operator }: { control: ControlStore; operator: string | null },
): Promise<RingStatus['pause']> {
  const notice = await readPause(control)
  if (!notice || !stored || stored.state.phase === 'stable') return null
  if (operator !== null && operator !== notice.holder) return null
  return { by: notice.by, since: new Date(notice.sinceMs).toISOString() }
}

async function progressOf(
  stored: StoredState | undefined,
  { control, wallMs, operator }: StatusSources & { operator: string | null },
): Promise<StatusProgress | null> {
  const notice = await readProgress(control)
  if (!notice || stored?.state.phase !== 'migrate' || notice.epoch !== stored.state.epoch) return null
  const keysPerSec = operator === null ? 0 : notice.keysPerSec
  const left = notice.expectedKeyCount - notice.movedKeyCount
  return {
    movedKeyCount: notice.movedKeyCount,
    movedBytes: notice.movedBytes,
    expectedKeyCount: notice.expectedKeyCount,
    keysPerSec,
    secondsLeft: keysPerSec > 0 && left > 0 ? left / keysPerSec : null,
    secondsAgo: Math.max(0, (wallMs - notice.atMs) / 1000),
  }
}
