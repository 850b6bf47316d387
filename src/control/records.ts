/** What stores hold, as JSON: read back with checks, because other versions and people write there too. */
import type { ClientRecord, StoredState } from '../cache/ports.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import type { RingState } from '../ring/epoch.js'

type Fields = Readonly<Record<string, unknown>>

/** `{revision, state}`. Errors: `refused`, naming the place, when it is something else. */
export function parseState(text: string, place: string): StoredState {
  const { revision, state } = parseFields(text, place, 'a ring state')
  if (typeof revision !== 'string') throw unreadable(place, 'a ring state', 'no revision in it')
  return { revision, state: checkState(state, place) }
}

export function parseRingState(text: string, place: string): RingState {
  return checkState(parseFields(text, place, 'a ring state'), place)
}

function checkState(state: unknown, place: string): RingState {
  const wrong = (why: string) => unreadable(place, 'a ring state', why)
  if (!isFields(state)) throw wrong('not an object')
  if (state.schema !== 'cachectl/ring-state/v1') {
    throw wrong(`schema ${String(state.schema)}, expected cachectl/ring-state/v1`)
  }
  if (!Number.isSafeInteger(state.epoch) || !/^(stable|prepare|migrate)$/.test(String(state.phase)))
    throw wrong('epoch or phase are missing or unknown')
  for (const side of ['before', 'after'] as const) {
    const topology = state[side]
    const isRing = isFields(topology) && isFields(topology.ring) && Array.isArray(topology.nodes)
    if (!isRing || !(topology.nodes as unknown[]).every(isNode)) throw wrong(`${side}: not a topology`)
  }
  return state as Fields & RingState
}

function isNode(node: unknown): boolean {
  return isFields(node) && typeof node.id === 'string' && isFields(node.address)
}

export function parseClient(text: string, place: string): ClientRecord {
  const { id, ackedEpoch, seenMs, origin } = parseFields(text, place, 'a client of the ring')
  return { id: String(id), ackedEpoch: Number(ackedEpoch), seenMs: Number(seenMs), origin: String(origin) }
}

/** Errors: `refused`, when the text is not a JSON object. */
export function parseFields(text: string, place: string, expected: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw unreadable(place, expected, error instanceof Error ? error.message : 'not JSON')
  }
  if (!isFields(value)) throw unreadable(place, expected, 'not an object')
  return value
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unreadable(place: string, expected: string, why: string): Error {
  return refused(
    `control store ${printable(place)} does not hold ${expected}: ${printable(why)}`,
    'Another version wrote it, or something else lives there. Nothing was changed.',
  )
}
