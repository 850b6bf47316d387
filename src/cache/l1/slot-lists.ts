/**
 * Circular doubly linked lists of slots, all in two arrays. A slot is in at most one of them and can leave it from
 * anywhere at once. Each list has a node of its own before the slots' nodes, so that no operation has a special case
 * (Knuth, TAOCP 1, 2.2.5).
 */
export interface SlotLists {
  /** The slot that has been in the list for longest; below 0: the list is empty. */
  oldest(list: number): number
  append(list: number, slot: number): void
  remove(slot: number): void
  /** Room for slots 0 … slotCount − 1; never fewer than before. */
  resize(slotCount: number): void
  /** Empties all lists. */
  clear(): void
}

export function createSlotLists(listCount: number): SlotLists {
  let next = new Uint32Array(listCount)
  let previous = new Uint32Array(listCount)

  const clear = () => {
    for (let list = 0; list < listCount; list++) {
      next[list] = list
      previous[list] = list
    }
  }
  clear()

  return {
    oldest: (list) => next[list]! - listCount,
    append(list, slot) {
      const node = slot + listCount
      const newest = previous[list]!
      next[newest] = node
      previous[node] = newest
      next[node] = list
      previous[list] = node
    },
    remove(slot) {
      const after = next[slot + listCount]!
      const before = previous[slot + listCount]!
      next[before] = after
      previous[after] = before
    },
    resize(slotCount) {
      const olderNext = next
      const olderPrevious = previous
      next = new Uint32Array(slotCount + listCount)
      previous = new Uint32Array(slotCount + listCount)
      next.set(olderNext)
      previous.set(olderPrevious)
    },
    clear,
  }
}
