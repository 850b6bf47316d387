/**
 * What the processes of the library serve of hot keys from their own memory: traffic that no server sees any more. Each
 * tells its counts about once a second on the board where machines meet; a key that is served well would else seem cold.
 */
import { maxHotKeys } from './hot-set.js'

export const hotDemandSchema = 'cachectl/hot-demand/v1'
/** A text on the board has at most 512 KiB. */
const maxTextBytes = 400 * 1024

export interface HotDemand {
  /** Unique a process. */
  readonly client: string
  /** By the clock of the process; only differences mean anything. */
  readonly atMs: number
  /** latin1 key → reads served since the process began to count it. Only ever grow. */
  readonly hits: ReadonlyMap<string, number>
}

/** The board is shared by all rings of a store. */
export function demandPrefix(ring: string): string {
  return `hot-demand/${encodeURIComponent(ring)}/`
}

export function demandName(ring: string, client: string): string {
  return demandPrefix(ring) + encodeURIComponent(client)
}

/** Where it would be too long, the keys with the fewest hits are left out. */
export function formatHotDemand({ client, atMs, hits }: HotDemand): string {
  const told: [string, number][] = []
  let bytes = 0
  for (const [name, count] of [...hits].sort((a, b) => b[1] - a[1]).slice(0, maxHotKeys)) {
    const key = Buffer.from(name, 'latin1').toString('base64')
    bytes += key.length + 24
    if (bytes > maxTextBytes) break
    told.push([key, count])
  }
  return JSON.stringify({ schema: hotDemandSchema, client, atMs, hits: Object.fromEntries(told) })
}

/**
 * Reads a second of each key, of all processes that have told of it in both. One that was not heard of before, or began
 * anew, counts from the next time on.
 */
export function demandBetween(
  before: readonly HotDemand[],
  after: readonly HotDemand[],
): ReadonlyMap<string, number> {
  const known = new Map(before.map((each) => [each.client, each]))
  const rates = new Map<string, number>()
  for (const { client, atMs, hits } of after) {
    const earlier = known.get(client)
    if (!earlier || atMs <= earlier.atMs) continue
    const seconds = (atMs - earlier.atMs) / 1_000
    for (const [name, count] of hits) {
      const served = count - (earlier.hits.get(name) ?? 0)
      if (served > 0) rates.set(name, (rates.get(name) ?? 0) + served / seconds)
    }
  }
  return rates
}
