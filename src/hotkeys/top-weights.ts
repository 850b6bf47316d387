/** The heaviest few of many: a heap of bounded size, its lightest on top. */

export interface Weighted {
  readonly name: string
  readonly weight: number
}

export class TopWeights {
  private readonly heap: Weighted[] = []
  private readonly names = new Set<string>()

  constructor(private readonly capacity: number) {}

  /** A name that comes again is not counted again: its first weight stands. */
  offer(name: string, weight: number): void {
    const lightest = this.heap[0]
    if (this.heap.length >= this.capacity && (!lightest || weight <= lightest.weight)) return
    if (this.names.has(name)) return
    this.names.add(name)
    if (this.heap.length < this.capacity) {
      this.heap.push({ name, weight })
      this.rise(this.heap.length - 1)
    } else {
      this.names.delete(this.heap[0]!.name)
      this.heap[0] = { name, weight }
      this.sink()
    }
  }

  /** Heaviest first; equal weights by name. */
  list(): Weighted[] {
    return [...this.heap].sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))
  }

  private rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (this.heap[parent]!.weight <= this.heap[at]!.weight) return
      this.swap(at, parent)
      at = parent
    }
  }

  private sink(): void {
    for (let at = 0; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.heap.length && this.heap[child]!.weight < this.heap[least]!.weight) least = child
      if (least === at) return
      this.swap(at, least)
      at = least
    }
  }

  private swap(a: number, b: number): void {
    const kept = this.heap[a]!
    this.heap[a] = this.heap[b]!
    this.heap[b] = kept
  }
}
