/**
 * Who vouches for a slot, as a number instead of a reference a slot. A number is given away again only when no slot
 * refers to it any more: else a value read through a dead connection would come alive with the next one.
 */
import type { Vouch } from '../ports.js'

export interface VouchTable {
  /** How many are referred to. */
  size(): number
  /** Its number, with one more slot that refers to it. */
  take(vouch: Vouch): number
  at(id: number): Vouch
  /** One slot less refers to it. */
  release(id: number): void
  clear(): void
}

const nobody: Vouch = { untilMs: Number.NEGATIVE_INFINITY }

export function createVouchTable(): VouchTable {
  const ids = new Map<Vouch, number>()
  const vouches: Vouch[] = []
  const slotCounts: number[] = []
  const free: number[] = []
  // entries come through one connection in runs
  let latest = nobody
  let latestId = -1
  return {
    size: () => ids.size,
    take(vouch) {
      if (vouch === latest) {
        slotCounts[latestId]! += 1
        return latestId
      }
      let id = ids.get(vouch)
      if (id === undefined) {
        id = free.pop() ?? vouches.length
        ids.set(vouch, id)
        vouches[id] = vouch
        slotCounts[id] = 0
      }
      slotCounts[id]! += 1
      latest = vouch
      latestId = id
      return id
    },
    at: (id) => vouches[id]!,
    release(id) {
      slotCounts[id]! -= 1
      if (slotCounts[id] !== 0) return
      ids.delete(vouches[id]!)
      vouches[id] = nobody
      if (id === latestId) latest = nobody
      free.push(id)
    },
    clear() {
      ids.clear()
      latest = nobody
      for (const list of [vouches, slotCounts, free]) list.length = 0
    },
  }
}
