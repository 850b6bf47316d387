/**
 * The first level of the cache: values in this process, never more of them than the bounds say. It decides who stays and
 * remembers until when each value is fresh and who vouches for it; whether it may be served is for the caller to say,
 * who knows the time.
 */
import { invalid } from '../../errors.js'
import { freshSeed } from '../../random.js'
import type { Vouch } from '../ports.js'
import type { EvictionPolicy } from './eviction-policy.js'
import { createKeyHash, type KeyHash } from './key-hash.js'
import { createKeyIndex, type KeyIndex } from './key-index.js'
import { createLru } from './lru.js'
import { createS3Fifo } from './s3-fifo.js'
import { createSlots, type L1Meta, type Slots } from './slots.js'

export type { L1Meta } from './slots.js'
export type L1Policy = 's3fifo' | 'lru'

export interface L1Options {
  /** 1 … `mostEntries`. */
  readonly maxEntries: number
  /** Bound of the values' encoded bytes; absent: they are not counted. */
  readonly maxBytes?: number
  readonly policy: L1Policy
  /** Monotonic now. */
  readonly originMs: number
  /** Of the hash of keys; absent: drawn, so that nobody can choose keys that collide. */
  readonly seed?: number
}

export interface L1<V> {
  readonly size: number
  /** Encoded bytes of all values; 0 without `maxBytes`. */
  readonly bytes: number
  /** Its slot, counted as an access by the policy; −1: absent. Valid until the next set, delete or clear. */
  find(key: string): number
  /** The same, not counted. */
  look(key: string): number
  valueAt(slot: number): V
  freshUntilAt(slot: number): number
  loadMsAt(slot: number): number
  vouchAt(slot: number): Vouch
  /**
   * New, or in place of the older value. LRU counts a replacement as an access, S3-FIFO does not. A value of more than
   * `maxBytes` is not admitted, and an older one under its key goes.
   */
  set(key: string, value: V, meta: L1Meta): void
  /** Whether it was there. */
  delete(key: string): boolean
  clear(): void
  keys(): Iterable<string>
}

/** Of a plain array beyond 2^25 elements, V8 makes a dictionary. */
export const mostEntries = 2 ** 24
const leastCapacity = 16
/** What an array of 32-bit sizes holds. */
const mostValueBytes = 2 ** 32 - 1

/** Errors: `invalid` for bounds that are not whole numbers of at least 1, and for more than `mostEntries`. */
export function createL1<V>(options: L1Options): L1<V> {
  checkBounds(options)
  return new SlottedL1<V>(options)
}

class SlottedL1<V> implements L1<V> {
  private readonly maxEntries: number
  private readonly maxBytes: number
  /** Else every value counts as 0 bytes. */
  private readonly weighs: boolean
  private readonly hashOf: KeyHash
  private readonly slots: Slots<V>
  private readonly index: KeyIndex
  private readonly policy: EvictionPolicy

  constructor({ maxEntries, maxBytes, policy, originMs, seed = freshSeed() }: L1Options) {
    this.maxEntries = maxEntries
    this.maxBytes = maxBytes ?? Number.POSITIVE_INFINITY
    this.weighs = maxBytes !== undefined
    this.hashOf = createKeyHash(seed)
    this.slots = createSlots<V>({ originMs, weighs: this.weighs })
    this.index = createKeyIndex(this.slots)
    this.policy = policy === 'lru' ? createLru() : createS3Fifo(this.slots)
  }

  get size(): number {
    return this.index.size()
  }

  get bytes(): number {
    return this.slots.bytes()
  }

  find(key: string): number {
    const slot = this.index.find(key, this.hashOf(key))
    if (slot < 0) return -1
    this.policy.touch(slot)
    return slot
  }

  look(key: string): number {
    return this.index.find(key, this.hashOf(key))
  }

  valueAt(slot: number): V {
    return this.slots.valueAt(slot)
  }

  freshUntilAt(slot: number): number {
    return this.slots.freshUntilAt(slot)
  }

  loadMsAt(slot: number): number {
    return this.slots.loadMsAt(slot)
  }

  vouchAt(slot: number): Vouch {
    return this.slots.vouchAt(slot)
  }

  set(key: string, value: V, meta: L1Meta): void {
    if (!this.admits(meta.bytes)) {
      this.delete(key)
      return
    }
    const hash = this.hashOf(key)
    const slot = this.index.find(key, hash)
    if (slot >= 0 && this.makeRoomAt(slot, meta.bytes)) {
      this.slots.replace(slot, value, meta)
      this.policy.replaced(slot)
    } else this.insert({ key, hash }, value, meta)
  }

  delete(key: string): boolean {
    const slot = this.look(key)
    if (slot < 0) return false
    this.policy.remove(slot)
    this.forget(slot)
    return true
  }

  clear(): void {
    this.index.clear()
    this.slots.clear()
    this.policy.clear()
  }

  *keys(): Iterable<string> {
    for (let slot = 0; slot < this.slots.capacity(); slot++) {
      const key = this.slots.keyAt(slot)
      if (key !== undefined) yield key
    }
  }

  private admits(bytes: number): boolean {
    return !this.weighs || bytes <= Math.min(this.maxBytes, mostValueBytes)
  }

  private hasRoom(bytes: number): boolean {
    return !this.weighs || this.slots.bytes() + bytes <= this.maxBytes
  }

  /** For a larger value in place of the one in the slot; false: its own key was the next to go, and has gone. */
  private makeRoomAt(slot: number, bytes: number): boolean {
    while (!this.hasRoom(bytes - this.slots.bytesAt(slot))) {
      const evicted = this.policy.evict()
      this.forget(evicted)
      if (evicted === slot) return false
    }
    return true
  }

  private insert(entry: { readonly key: string; readonly hash: number }, value: V, meta: L1Meta): void {
    this.policy.arrive(entry.hash)
    while (this.index.size() >= this.maxEntries || !this.hasRoom(meta.bytes)) this.forget(this.policy.evict())
    const slot = this.freeSlot()
    this.slots.fill(slot, entry, value, meta)
    this.index.add(slot)
    this.policy.add(slot)
  }

  private forget(slot: number): void {
    this.index.remove(slot)
    this.slots.release(slot)
  }

  private freeSlot(): number {
    const slot = this.slots.take()
    if (slot >= 0) return slot
    const capacity = Math.min(this.maxEntries, Math.max(leastCapacity, 2 * this.slots.capacity()))
    for (const part of [this.slots, this.index, this.policy]) part.resize(capacity)
    return this.slots.take()
  }
}

function checkBounds({ maxEntries, maxBytes }: L1Options): void {
  const bounds = [
    ['maxEntries', maxEntries, mostEntries],
    ['maxBytes', maxBytes ?? 1, Number.MAX_SAFE_INTEGER],
  ] as const
  for (const [name, value, most] of bounds) {
    if (Number.isInteger(value) && value >= 1 && value <= most) continue
    throw invalid(
      `${name} of the L1 is ${value}, expected a whole number from 1 to ${most}`,
      'Without an L1, say `l1: false`.',
    )
  }
}
