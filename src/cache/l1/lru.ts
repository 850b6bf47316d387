/** Exact LRU: the key goes that was neither read nor written for longest. */
import type { EvictionPolicy } from './eviction-policy.js'
import { createSlotLists } from './slot-lists.js'

const used = 0

export function createLru(): EvictionPolicy {
  const lists = createSlotLists(1)
  const touch = (slot: number) => {
    lists.remove(slot)
    lists.append(used, slot)
  }
  return {
    touch,
    replaced: touch,
    arrive: () => {},
    add: (slot) => lists.append(used, slot),
    evict() {
      const slot = lists.oldest(used)
      lists.remove(slot)
      return slot
    },
    remove: lists.remove,
    resize: lists.resize,
    clear: lists.clear,
  }
}
