/**
 * How long things took, a histogram each. Reads by their outcome, as their caller waited; a hit in L1 takes little more
 * than reading a clock, so that only one in some is timed. Histograms are made when they are first needed: 25 KiB each.
 */
import {
  histogramLength,
  type LatencySummary,
  slotEnd,
  slotOf,
  summarize,
  unitsPerMs,
} from '../measure/latency-histogram.js'

export type TimedPart = (typeof timedParts)[number]

export const timedParts = [
  /** Reads, by outcome: as the counters of the same names, and those that ended in an error. */
  'l1',
  'l2',
  'stale',
  'shared',
  'miss',
  'readError',
  /** Calls of the loader, also in the background. */
  'load',
  /** Waits for what another process loads; part of a read. */
  'wait',
  'set',
  'invalidate',
] as const

/** Of L1's hits one in so many is timed. A power of two. */
export const l1SampledOneIn = 1_024

type OnTime = (part: TimedPart, ms: number) => void

interface Recorded {
  readonly slots: Float64Array
  count: number
  sumMs: number
}

export class CacheTimings {
  private readonly recorded = new Map<TimedPart, Recorded>()
  private readonly listeners = new Set<OnTime>()

  record(part: TimedPart, ms: number): void {
    const units = Math.max(0, ms) * unitsPerMs
    const recorded = this.of(part)
    recorded.slots[slotOf(units)]! += 1
    recorded.count += 1
    recorded.sumMs += ms
    for (const onTime of this.listeners) onTime(part, ms)
  }

  /** Quantiles of a part; all 0 where nothing was timed. */
  summary(part: TimedPart): LatencySummary {
    return summarize(this.recorded.get(part)?.slots ?? [])
  }

  /** How many took at most each of the bounds, which ascend; undefined: nothing was timed. */
  cumulative(
    part: TimedPart,
    boundsMs: readonly number[],
  ): { readonly counts: readonly number[]; readonly count: number; readonly sumMs: number } | undefined {
    const recorded = this.recorded.get(part)
    if (!recorded) return undefined
    const counts: number[] = []
    let slot = 0
    let count = 0
    for (const boundMs of boundsMs) {
      for (; slot < histogramLength && slotEnd(slot) <= boundMs * unitsPerMs; slot++)
        count += recorded.slots[slot]!
      counts.push(count)
    }
    return { counts, count: recorded.count, sumMs: recorded.sumMs }
  }

  /** Hears of every time as it is recorded. The result ends it. */
  listen(onTime: OnTime): () => void {
    this.listeners.add(onTime)
    return () => this.listeners.delete(onTime)
  }

  private of(part: TimedPart): Recorded {
    const recorded = this.recorded.get(part)
    if (recorded) return recorded
    const created = { slots: new Float64Array(histogramLength), count: 0, sumMs: 0 }
    this.recorded.set(part, created)
    return created
  }
}
