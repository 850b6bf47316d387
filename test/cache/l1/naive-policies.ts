/** Caches as one would explain them: arrays, oldest first, and a search for every step. */

export interface NaiveCache {
  /** Whether it is there; counted as an access. */
  find(key: string): boolean
  set(key: string, bytes: number): void
  delete(key: string): void
  clear(): void
  entries(): { key: string; bytes: number }[]
}

export interface NaiveGhost {
  add(key: string): void
  /** Whether it was there; it is no longer. */
  take(key: string): boolean
}

interface Bounds {
  readonly maxEntries: number
  readonly maxBytes: number
}

interface Entry {
  readonly key: string
  bytes: number
  hits: number
}

export function naiveLru({ maxEntries, maxBytes }: Bounds): NaiveCache {
  let entries: Entry[] = []
  const without = (key: string) => entries.filter((entry) => entry.key !== key)
  return {
    find(key) {
      const entry = entries.find((each) => each.key === key)
      if (entry) entries = [...without(key), entry]
      return entry !== undefined
    },
    set(key, bytes) {
      entries = without(key)
      if (bytes > maxBytes) return
      entries.push({ key, bytes, hits: 0 })
      while (entries.length > maxEntries || total(entries) > maxBytes) entries.shift()
    },
    delete(key) {
      entries = without(key)
    },
    clear() {
      entries = []
    },
    entries: () => entries,
  }
}

/** Algorithm 1 of the paper; deleted keys are remembered too. */
export function naiveS3Fifo(bounds: Bounds, newGhost: () => NaiveGhost): NaiveCache {
  const { maxEntries, maxBytes } = bounds
  let small: Entry[] = []
  let main: Entry[] = []
  let ghost = newGhost()
  const entries = () => [...small, ...main]
  const without = (key: string) => (entry: Entry) => entry.key !== key

  const evictFromMain = () => {
    for (;;) {
      const entry = main.shift()!
      if (entry.hits === 0) return
      entry.hits -= 1
      main.push(entry)
    }
  }
  const evict = () => {
    const size = entries().length
    if (main.length > size - Math.floor(size * 0.1)) return evictFromMain()
    while (small.length > 0) {
      const entry = small.shift()!
      if (entry.hits < 2) return ghost.add(entry.key)
      entry.hits = 0
      main.push(entry)
    }
    evictFromMain()
  }
  const remove = (key: string) => {
    if (entries().some((entry) => entry.key === key)) ghost.add(key)
    small = small.filter(without(key))
    main = main.filter(without(key))
  }
  return {
    find(key) {
      const entry = entries().find((each) => each.key === key)
      if (entry) entry.hits = Math.min(3, entry.hits + 1)
      return entry !== undefined
    },
    set(key, bytes) {
      if (bytes > maxBytes) return remove(key)
      const held = () => entries().find((entry) => entry.key === key)
      while (held() && total(entries()) - held()!.bytes + bytes > maxBytes) evict()
      const entry = held()
      if (entry) {
        entry.bytes = bytes
        return
      }
      const isKnown = ghost.take(key)
      while (entries().length >= maxEntries || total(entries()) + bytes > maxBytes) evict()
      const queue = isKnown ? main : small
      queue.push({ key, bytes, hits: 0 })
    },
    delete: remove,
    clear() {
      small = []
      main = []
      ghost = newGhost()
    },
    entries,
  }
}

export function naiveGhost(size: number): NaiveGhost {
  let held: string[] = []
  return {
    add(key) {
      held.push(key)
      while (held.length > size) held.shift()
    },
    take(key) {
      const isHeld = held.includes(key)
      held = held.filter((each) => each !== key)
      return isHeld
    },
  }
}

function total(entries: readonly Entry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0)
}
