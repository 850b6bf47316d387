import type { Vouch } from '../ports.js'
export interface L1Meta {
  readonly freshUntilMs: number
  readonly loadMs: number
  readonly bytes: number
  readonly vouch: Vouch
}
export interface L1<V> {
  readonly size: number
  readonly bytes: number
  find(key: string): number
  look(key: string): number
  valueAt(slot: number): V
  freshUntilAt(slot: number): number
  loadMsAt(slot: number): number
  vouchAt(slot: number): Vouch
  set(key: string, value: V, meta: L1Meta): void
  delete(key: string): boolean
  clear(): void
  keys(): Iterable<string>
}
export type L1Policy = 's3fifo' | 'lru'
export function createL1<V>(options: {
  maxEntries: number
  maxBytes?: number
  policy: L1Policy
  originMs: number
}): L1<V> {
  const map = new Map<string, number>()
  const slots: ({ value: V; meta: L1Meta } | undefined)[] = []
  let next = 0
  return {
    get size() {
      return map.size
    },
    bytes: 0,
    find: (key) => map.get(key) ?? -1,
    look: (key) => map.get(key) ?? -1,
    valueAt: (slot) => slots[slot]!.value,
    freshUntilAt: (slot) => slots[slot]!.meta.freshUntilMs,
    loadMsAt: (slot) => slots[slot]!.meta.loadMs,
    vouchAt: (slot) => slots[slot]!.meta.vouch,
    set(key, value, meta) {
      const slot = map.get(key) ?? next++
      map.set(key, slot)
      slots[slot] = { value, meta }
      if (map.size > options.maxEntries) {
        const [first] = map.keys()
        this.delete(first!)
      }
    },
    delete(key) {
      const slot = map.get(key)
      if (slot === undefined) return false
      map.delete(key)
      slots[slot] = undefined
      return true
    },
    clear() {
      map.clear()
      slots.length = 0
    },
    keys: () => map.keys(),
  }
}
