/**
 * What the L1 knows of each entry, in arrays instead of an object an entry. Its numbers stand side by side in a record of
 * 16 bytes, and its value beside its key, so that a hit touches one cache line of each. The arrays double as slots are
 * needed.
 */
import type { Vouch } from '../ports.js'
import { createVouchTable } from './vouch-table.js'

export interface L1Meta {
  /** Monotonic ms until which the value is fresh; kept in sixteenths, rounded down, and never before the L1's creation. */
  readonly freshUntilMs: number
  /** How long its load took, kept in whole ms, rounded up, 65,535 at most; 0: unknown. */
  readonly loadMs: number
  /** Encoded size of the value. */
  readonly bytes: number
  readonly vouch: Vouch
}

/** Its parts are methods, no getters: to V8 an object literal with a getter is a dictionary, and slow to call into. */
export interface Slots<V> {
  capacity(): number
  /** Encoded bytes of all values; 0 for ever where they are not weighed. */
  bytes(): number
  /** undefined: the slot is free. */
  keyAt(slot: number): string | undefined
  hashAt(slot: number): number
  valueAt(slot: number): V
  freshUntilAt(slot: number): number
  loadMsAt(slot: number): number
  vouchAt(slot: number): Vouch
  bytesAt(slot: number): number
  /** What a policy notes, 0 … 7; 0 of a slot that was just filled. */
  markAt(slot: number): number
  setMark(slot: number, mark: number): void
  /** A slot that nobody has; below 0: all are taken. */
  take(): number
  fill(slot: number, entry: { readonly key: string; readonly hash: number }, value: V, meta: L1Meta): void
  replace(slot: number, value: V, meta: L1Meta): void
  /** Lets go of key and value. */
  release(slot: number): void
  resize(capacity: number): void
  clear(): void
}

/** A record as four words; the second as two half words. */
const words = 4
const halves = 8
const freshLowWord = 0
const freshHighHalf = 2
const loadHalf = 3
const hashWord = 2
const vouchWord = 3
/** The mark is the low end of the vouch's word. */
const markBits = 3
const markMask = 7

/** Since the origin: 48 bits of these are 557 years; 32 bits of ms would be over after 49 days. */
const ticksPerMs = 16
const mostTicks = 2 ** 48 - 1
const mostLoadMs = 0xffff

export function createSlots<V>(options: { readonly originMs: number; readonly weighs: boolean }): Slots<V> {
  const { originMs, weighs } = options
  let capacity = 0
  /** The key of a slot, and then its value. */
  let entries: (string | V | undefined)[] = []
  let word = new Uint32Array(0)
  let half = new Uint16Array(0)
  let sizes = new Uint32Array(0)
  const vouches = createVouchTable()
  let bytes = 0
  let usedCount = 0
  let free: number[] = []

  const vouchIdAt = (slot: number) => word[words * slot + vouchWord]! >>> markBits
  const write = (slot: number, value: V, meta: L1Meta, mark: number) => {
    entries[2 * slot + 1] = value
    const ticks = Math.min(mostTicks, Math.max(0, Math.floor((meta.freshUntilMs - originMs) * ticksPerMs)))
    word[words * slot + freshLowWord] = ticks
    half[halves * slot + freshHighHalf] = ticks / 2 ** 32
    half[halves * slot + loadHalf] = Math.min(mostLoadMs, Math.ceil(meta.loadMs))
    word[words * slot + vouchWord] = (vouches.take(meta.vouch) << markBits) | mark
    if (!weighs) return
    sizes[slot] = meta.bytes
    bytes += sizes[slot]!
  }

  return {
    capacity: () => capacity,
    bytes: () => bytes,
    keyAt: (slot) => entries[2 * slot] as string | undefined,
    hashAt: (slot) => word[words * slot + hashWord]!,
    valueAt: (slot) => entries[2 * slot + 1] as V,
    freshUntilAt: (slot) =>
      originMs +
      (half[halves * slot + freshHighHalf]! * 2 ** 32 + word[words * slot + freshLowWord]!) / ticksPerMs,
    loadMsAt: (slot) => half[halves * slot + loadHalf]!,
    vouchAt: (slot) => vouches.at(vouchIdAt(slot)),
    bytesAt: (slot) => (weighs ? sizes[slot]! : 0),
    markAt: (slot) => word[words * slot + vouchWord]! & markMask,
    setMark(slot, mark) {
      const at = words * slot + vouchWord
      word[at] = (word[at]! & ~markMask) | mark
    },
    take() {
      const slot = free.pop()
      if (slot !== undefined) return slot
      return usedCount < capacity ? usedCount++ : -1
    },
    fill(slot, { key, hash }, value, meta) {
      entries[2 * slot] = key
      word[words * slot + hashWord] = hash
      write(slot, value, meta, 0)
    },
    replace(slot, value, meta) {
      // the new one first: a vouch that both have keeps its number
      const olderId = vouchIdAt(slot)
      if (weighs) bytes -= sizes[slot]!
      write(slot, value, meta, word[words * slot + vouchWord]! & markMask)
      vouches.release(olderId)
    },
    release(slot) {
      vouches.release(vouchIdAt(slot))
      if (weighs) bytes -= sizes[slot]!
      entries[2 * slot] = undefined
      entries[2 * slot + 1] = undefined
      free.push(slot)
    },
    resize(slotCount) {
      const olderWord = word
      const olderSizes = sizes
      const olderEntries = entries
      word = new Uint32Array(words * slotCount)
      word.set(olderWord)
      half = new Uint16Array(word.buffer)
      if (weighs) {
        sizes = new Uint32Array(slotCount)
        sizes.set(olderSizes)
      }
      // exactly as long as it says: an array that grows by itself would be half as long again
      entries = new Array(2 * slotCount)
      for (let at = 0; at < olderEntries.length; at++) entries[at] = olderEntries[at]
      capacity = slotCount
    },
    clear() {
      entries.fill(undefined)
      vouches.clear()
      free = []
      usedCount = 0
      bytes = 0
    },
  }
}
