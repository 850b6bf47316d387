/** Requests under way on one connection, oldest first: a ring of typed arrays that grows by doubling. */

/** Operation, phase, and whether it is the second half of a read-modify-write, in one number. */
export function makeTag(op: number, phase: number): number {
  return op | (phase << 8)
}
export const secondHalf = 0x80
export const maxOps = 0x7f
export const maxPhases = 0xff

interface Sized {
  readonly key: number
  readonly valueBytes: number
  readonly ttlSeconds: number
}

export class Pending {
  tags = new Uint16Array(16)
  keys = new Uint32Array(16)
  sentMs = new Float64Array(16)
  dueMs = new Float64Array(16)
  /** Of a verified write its version's predecessors; of a verified read what it must not return. */
  floors = new Uint32Array(16)
  /** Of a read that may miss: what its fill would write, and for how long. */
  valueBytes = new Uint32Array(16)
  ttlSeconds = new Uint32Array(16)
  /** Replies still to come. */
  replies = new Uint16Array(16)
  private head = 0
  private tail = 0

  get length(): number {
    return this.tail - this.head
  }

  /** Slot of the oldest. */
  get first(): number {
    return this.head & (this.tags.length - 1)
  }

  dropFirst(): void {
    this.head += 1
  }

  /** Slot of the oldest but `index`. */
  slotAt(index: number): number {
    return (this.head + index) & (this.tags.length - 1)
  }

  clear(): void {
    this.head = this.tail
  }

  push(tag: number, request: Sized, sentMs: number, dueMs: number, floor: number, replies: number): void {
    if (this.tail - this.head === this.tags.length) this.grow()
    const slot = this.tail++ & (this.tags.length - 1)
    this.tags[slot] = tag
    this.keys[slot] = request.key
    this.valueBytes[slot] = request.valueBytes
    this.ttlSeconds[slot] = request.ttlSeconds
    this.sentMs[slot] = sentMs
    this.dueMs[slot] = dueMs
    this.floors[slot] = floor
    this.replies[slot] = replies
  }

  private grow(): void {
    const { head, tail } = this
    const size = this.tags.length
    const move = <T extends Uint16Array | Uint32Array | Float64Array>(from: T, to: T): T => {
      for (let at = head; at < tail; at++) to[at & (2 * size - 1)] = from[at & (size - 1)]!
      return to
    }
    this.tags = move(this.tags, new Uint16Array(2 * size))
    this.keys = move(this.keys, new Uint32Array(2 * size))
    this.sentMs = move(this.sentMs, new Float64Array(2 * size))
    this.dueMs = move(this.dueMs, new Float64Array(2 * size))
    this.floors = move(this.floors, new Uint32Array(2 * size))
    this.valueBytes = move(this.valueBytes, new Uint32Array(2 * size))
    this.ttlSeconds = move(this.ttlSeconds, new Uint32Array(2 * size))
    this.replies = move(this.replies, new Uint16Array(2 * size))
  }
}
