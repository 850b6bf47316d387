/**
 * What write-behind caches have on nodes that leave the ring: their processes must bring it to the source while they still
 * know these nodes. Nothing is put there any more, so that it only gets less.
 */
import type { Clock } from '../clock.js'
import { stopped } from '../errors.js'
import { printable } from '../printable.js'
import type { RingState } from '../ring/epoch.js'
import type { FleetPort, ProgressPort } from './ports.js'

export interface JournalPorts {
  readonly fleet: Pick<FleetPort, 'entriesAt'>
  readonly clock: Clock
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

/** So long the number may stay as it is. */
const patienceMs = 30_000
const lookMs = { first: 20, longest: 500 }

/** Errors: `stopped` when nobody writes the entries, or dead letters would be left behind. */
export async function awaitJournals(state: RingState, ports: JournalPorts): Promise<void> {
  const { fleet, clock, progress, signal } = ports
  const stay = new Set([...state.after.nodes.map(({ id }) => id), ...(state.lost ?? [])])
  for (const { id } of state.before.nodes) {
    if (stay.has(id)) continue
    let fewest = Number.POSITIVE_INFINITY
    let fellMs = clock.nowMs()
    for (let pauseMs = lookMs.first; ; pauseMs = Math.min(lookMs.longest, pauseMs * 2)) {
      signal.throwIfAborted()
      const { pending, dead } = await fleet.entriesAt(id)
      if (pending === 0 && dead > 0) throw letters(id, dead)
      if (pending === 0) break
      if (pending < fewest) {
        fewest = pending
        fellMs = clock.nowMs()
      }
      if (clock.nowMs() - fellMs > patienceMs) throw stuck(id, pending)
      progress.update(`waiting for ${pending} write-behind entries on ${printable(id)} to reach their source`)
      await clock.sleep(pauseMs, signal)
    }
  }
}

function stuck(node: string, pending: number) {
  return stopped(
    `node ${printable(node)} holds ${pending} write-behind entries that nobody has written for ${patienceMs / 1000} s`,
    'A process with that cache writes them: start one, or mend its source. Then run `cachectl ring resume`.',
  )
}

function letters(node: string, dead: number) {
  return stopped(
    `node ${printable(node)} holds ${dead} dead letters of write-behind, which would leave the ring with it`,
    '`cachectl cache dead-letters` lists them; retry or drop them. Then run `cachectl ring resume`.',
  )
}
