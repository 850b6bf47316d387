/** What stores hold, as JSON: read back with checks, because other versions and people write there too. */
import type { ClientRecord, StoredState } from '../cache/ports.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import type { RingState } from '../ring/epoch.js'

/** `{revision, state}`. Errors: `refused`, naming the place, when it is something else. */
export function parseState(text: string, place: string): StoredState {
  const stored = parseJson(text, place) as Partial<StoredState>
  if (typeof stored.revision !== 'string') throw unreadable(place, 'no revision in it')
  return { revision: stored.revision, state: checkState(stored.state, place) }
}

export function parseRingState(text: string, place: string): RingState {
  return checkState(parseJson(text, place) as Partial<RingState>, place)
}

function checkState(state: Partial<RingState> | undefined, place: string): RingState {
  if (state?.schema !== 'cachectl/ring-state/v1') {
    throw unreadable(place, `schema ${String(state?.schema)}, expected cachectl/ring-state/v1`)
  }
  const { epoch, phase, before, after } = state
  if (!Number.isInteger(epoch) || !phase || !before || !after) throw unreadable(place, 'fields are missing')
  return state as RingState
}

export function parseClient(text: string): ClientRecord {
  const { id, ackedEpoch, seenMs, origin } = JSON.parse(text) as Partial<ClientRecord>
  return { id: String(id), ackedEpoch: Number(ackedEpoch), seenMs: Number(seenMs), origin: String(origin) }
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreadable(place, error instanceof Error ? error.message : 'not JSON')
  }
}

function unreadable(place: string, why: string): Error {
  return refused(
    `control store ${printable(place)} does not hold a ring state: ${printable(why)}`,
    'Another version wrote it, or something else lives there. Nothing was changed.',
  )
}
