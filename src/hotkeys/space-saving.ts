/**
 * Counts by name in bounded memory: Space-Saving (Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and
 * Top-k Elements in Data Streams", ICDT 2005). With m counters every name above 1/m of the stream is held, and a count is
 * too high by no more than its `error`, which is at most the smallest count.
 */

export interface Counter {
  readonly name: string
  count: number
  /** Of the count, what may belong to names that were held before. */
  error: number
  /** Its place among those that are held, which is SpaceSaving's to say. */
  slot: number
}

export type CreateCounter<C extends Counter> = (name: string, error: number) => C

export class SpaceSaving<C extends Counter> {
  private readonly byName = new Map<string, C>()
  /** Smallest count first; kept only once there is a limit. */
  private heap: C[] | undefined
  private capacity = Number.POSITIVE_INFINITY

  constructor(private readonly create: CreateCounter<C>) {}

  get size(): number {
    return this.byName.size
  }

  get isExact(): boolean {
    return this.heap === undefined
  }

  get(name: string): C | undefined {
    return this.byName.get(name)
  }

  counters(): IterableIterator<C> {
    return this.byName.values()
  }

  increment(name: string): C {
    const counter = this.byName.get(name) ?? this.admit(name)
    counter.count += 1
    if (this.heap) sink(this.heap, counter.slot)
    return counter
  }

  /** From now on at most so many counters: the largest stay. */
  limit(capacity: number): void {
    this.capacity = capacity
    const sorted = [...this.byName.values()].sort((a, b) => a.count - b.count)
    for (const { name } of sorted.splice(0, Math.max(0, sorted.length - capacity))) this.byName.delete(name)
    sorted.forEach((counter, slot) => {
      counter.slot = slot
    })
    this.heap = sorted
  }

  /** Changes all counters alike, so that their order stays; `isKept` false: the counter goes. */
  reweigh(change: (counter: C) => void, isKept: (counter: C) => boolean): void {
    for (const [name, counter] of this.byName) {
      change(counter)
      if (!isKept(counter)) this.byName.delete(name)
    }
    if (this.heap) this.limit(this.capacity)
  }

  private admit(name: string): C {
    const least = this.heap?.[0]
    const isFull = least !== undefined && this.byName.size >= this.capacity
    const counter = this.create(name, isFull ? least.count : 0)
    this.byName.set(name, counter)
    if (!this.heap) return counter
    if (isFull) {
      this.byName.delete(least.name)
      this.heap[0] = counter
    } else {
      // its count is below all others
      counter.slot = this.heap.push(counter) - 1
      rise(this.heap, counter.slot)
    }
    return counter
  }
}

function sink<C extends Counter>(heap: C[], from: number): void {
  let at = from
  for (;;) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2])
      if (child < heap.length && heap[child]!.count < heap[least]!.count) least = child
    if (least === at) return
    swap(heap, at, least)
    at = least
  }
}

function rise<C extends Counter>(heap: C[], from: number): void {
  let at = from
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap[parent]!.count <= heap[at]!.count) return
    swap(heap, at, parent)
    at = parent
  }
}

function swap<C extends Counter>(heap: C[], a: number, b: number): void {
  const [first, second] = [heap[a]!, heap[b]!]
  heap[a] = second
  heap[b] = first
  first.slot = b
  second.slot = a
}
