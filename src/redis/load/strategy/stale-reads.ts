/**
 * Which reads of this process were stale: a write that was acknowledged, anywhere, before the read began had replaced what
 * it returned. Acknowledgements of other processes come later than the reads they judge, so that a read waits here until
 * all acknowledgements from before its start have come. Times are the machine's, the same in all processes.
 */
import { histogramLength, slotOf, unitsPerMs } from '../../../measure/latency-histogram.js'
import { numbersPerWrite } from './protocol.js'

/** The writes of one key, in the order in which we heard of them. */
interface KeyWrites {
  newest: number
  writes: { readonly version: number; readonly startMs: number; readonly endMs: number }[]
}

/** Reads that wait for their judgement; more are not judged, and counted. */
const maxWaiting = 2 ** 21
const firstWaiting = 2 ** 12
/** A read does not wait longer for its judgement; writes from before that are forgotten but for the last. */
const historyMs = 30_000
const pruneAt = 64

export class StaleReads {
  /** How long before its start a stale read had been replaced; counts a slot. */
  readonly ages = new Uint32Array(histogramLength)
  unjudged = 0
  private readonly byKey = new Map<number, KeyWrites>()
  private readonly throughMs: Float64Array
  private keys = new Uint32Array(firstWaiting)
  private versions = new Uint32Array(firstWaiting)
  private starts = new Float64Array(firstWaiting)
  private head = 0
  private tail = 0

  /**
   * `hasSourceOrder`: a larger version is the later one. Without it, writes that overlapped may stand in either order, and
   * only those that began after the end of another have certainly replaced it.
   */
  constructor(
    private readonly options: {
      /** Processes of the run. */
      readonly others: number
      /** Ours, whose acknowledgements are there at once. */
      readonly own: number
      readonly hasSourceOrder: boolean
    },
  ) {
    this.throughMs = new Float64Array(options.others)
    this.throughMs[options.own] = Number.POSITIVE_INFINITY
  }

  read(key: number, version: number, startMs: number): void {
    const waiting = this.tail - this.head
    if (waiting === maxWaiting) {
      this.unjudged += 1
      return
    }
    if (waiting === this.keys.length) this.grow()
    const slot = this.tail++ & (this.keys.length - 1)
    this.keys[slot] = key
    this.versions[slot] = version
    this.starts[slot] = startMs
  }

  acknowledged(writes: Float64Array): void {
    for (let at = 0; at < writes.length; at += numbersPerWrite) {
      const [key, version] = [writes[at]!, writes[at + 1]!]
      const write = { version, startMs: writes[at + 2]!, endMs: writes[at + 3]! }
      const known = this.byKey.get(key)
      if (!known) {
        this.byKey.set(key, { newest: version, writes: [write] })
        continue
      }
      if (version > known.newest) known.newest = version
      known.writes.push(write)
      if (known.writes.length % pruneAt !== 0) continue
      known.writes = known.writes.filter(
        ({ endMs, version: each }) => endMs > write.endMs - historyMs || each === known.newest,
      )
    }
  }

  /** All of process `other` until then have come. */
  through(other: number, throughMs: number): void {
    this.throughMs[other] = throughMs
  }

  get isComplete(): boolean {
    return this.throughMs.every((ms) => ms === Number.POSITIVE_INFINITY)
  }

  /** Judges what can be judged by now. */
  judge(): void {
    const untilMs = this.throughMs.reduce((least, ms) => Math.min(least, ms), Number.POSITIVE_INFINITY)
    while (this.head < this.tail) {
      const slot = this.head & (this.keys.length - 1)
      const startMs = this.starts[slot]!
      if (startMs > untilMs) return
      this.head += 1
      const known = this.byKey.get(this.keys[slot]!)
      const version = this.versions[slot]!
      if (!known || version >= known.newest) continue
      const replacedMs = this.replacedAt(known, version)
      if (replacedMs <= startMs) this.ages[slotOf((startMs - replacedMs) * unitsPerMs)]! += 1
    }
  }

  /** When the first write was acknowledged that had certainly replaced the version; infinite: none. */
  private replacedAt({ writes }: KeyWrites, version: number): number {
    const { hasSourceOrder } = this.options
    const own = hasSourceOrder ? undefined : writes.find((write) => write.version === version)
    // not acknowledged, or so long ago that nothing overlaps it: version 0 was there before all
    const ownEndMs = own?.endMs ?? (version === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
    let replacedMs = Number.POSITIVE_INFINITY
    for (const write of writes) {
      if (write.version <= version || write.endMs >= replacedMs) continue
      if (hasSourceOrder || write.startMs > ownEndMs) replacedMs = write.endMs
    }
    return replacedMs
  }

  private grow(): void {
    const size = this.keys.length
    const [keys, versions, starts] = [this.keys, this.versions, this.starts]
    this.keys = new Uint32Array(2 * size)
    this.versions = new Uint32Array(2 * size)
    this.starts = new Float64Array(2 * size)
    for (let at = this.head; at < this.tail; at++) {
      const [from, to] = [at & (size - 1), at & (2 * size - 1)]
      this.keys[to] = keys[from]!
      this.versions[to] = versions[from]!
      this.starts[to] = starts[from]!
    }
  }
}
