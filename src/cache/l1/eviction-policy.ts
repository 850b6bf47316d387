/** Who goes when the L1 is full. A policy orders slots; keys, values and bounds are the L1's. */
export interface EvictionPolicy {
  /** The slot's value was asked for. */
  touch(slot: number): void
  /** The slot's value was replaced by another. */
  replaced(slot: number): void
  /** A new key with this hash comes: told before room is made for it, because that may make the policy forget what it knew of it. */
  arrive(hash: number): void
  /** The key that has arrived is in this slot. */
  add(slot: number): void
  /** Takes the slot that goes out of the order; at least one must be in it. Amortised O(1). */
  evict(): number
  /** The slot's key was deleted. */
  remove(slot: number): void
  /** Slots 0 … slotCount − 1 may be in use; never fewer than before. */
  resize(slotCount: number): void
  clear(): void
}
