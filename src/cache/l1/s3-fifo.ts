/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP'23). New keys enter a
 * small queue; who was asked for twice there moves on to the main queue, who was not goes and is remembered by hash: a
 * remembered key that comes back enters the main queue at once. The main queue's head goes round again as often as it
 * was asked for, three times at most. So a key that is asked for once passes through a tenth of the cache only.
 * Shares and thresholds are the paper's, and hit ratios agree with its authors' simulator (libCacheSim, S3FIFOv0.c) to
 * four digits. Beyond the paper, deleted keys are remembered too. Queues are measured in entries, whatever bound the L1
 * has reached.
 */
import type { EvictionPolicy } from './eviction-policy.js'
import { createGhost } from './ghost.js'
import { createSlotLists } from './slot-lists.js'
import type { Slots } from './slots.js'

const small = 0
const main = 1
const smallShare = 0.1
const ghostShare = 0.9
/** Hits in the small queue that move a key on. */
const promotingHits = 2
/** A mark is the number of hits, up to 3, and this for slots in the main queue. */
const inMain = 4
const hitsOf = 3

export function createS3Fifo(slots: Pick<Slots<unknown>, 'hashAt' | 'markAt' | 'setMark'>): EvictionPolicy {
  const lists = createSlotLists(2)
  let ghost = createGhost(0)
  let ghostSize = 0
  let smallSize = 0
  let mainSize = 0
  let arrivingIsKnown = false

  const evictMain = () => {
    for (;;) {
      const slot = lists.oldest(main)
      const mark = slots.markAt(slot)
      lists.remove(slot)
      if (mark === inMain) {
        mainSize -= 1
        return slot
      }
      slots.setMark(slot, mark - 1)
      lists.append(main, slot)
    }
  }

  return {
    touch(slot) {
      const mark = slots.markAt(slot)
      if ((mark & hitsOf) !== hitsOf) slots.setMark(slot, mark + 1)
    },
    // what is written is not yet wanted; and a refill follows a read, which has been counted
    replaced: () => {},
    arrive(hash) {
      arrivingIsKnown = ghost.take(hash)
    },
    add(slot) {
      slots.setMark(slot, arrivingIsKnown ? inMain : 0)
      lists.append(arrivingIsKnown ? main : small, slot)
      if (arrivingIsKnown) mainSize += 1
      else smallSize += 1
    },
    evict() {
      const size = smallSize + mainSize
      if (mainSize > size - Math.floor(size * smallShare)) return evictMain()
      while (smallSize > 0) {
        const slot = lists.oldest(small)
        lists.remove(slot)
        smallSize -= 1
        if (slots.markAt(slot) < promotingHits) {
          ghost.add(slots.hashAt(slot))
          return slot
        }
        slots.setMark(slot, inMain)
        lists.append(main, slot)
        mainSize += 1
      }
      return evictMain()
    },
    remove(slot) {
      // a key that was invalidated and comes back is wanted; at zipf 0.99, 1 %, a tenth of the requests writes: 1.7 points
      ghost.add(slots.hashAt(slot))
      lists.remove(slot)
      if (slots.markAt(slot) >= inMain) mainSize -= 1
      else smallSize -= 1
    },
    resize(slotCount) {
      lists.resize(slotCount)
      // keys leave before the last growth only where the bytes are the tighter bound, and a few keys are forgotten then
      ghostSize = Math.floor(slotCount * ghostShare)
      ghost = createGhost(ghostSize)
    },
    clear() {
      lists.clear()
      ghost = createGhost(ghostSize)
      smallSize = 0
      mainSize = 0
    },
  }
}
