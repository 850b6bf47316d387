/**
 * Latencies in HdrHistogram's bucket layout (Gil Tene, http://hdrhistogram.org): 256 linear sub-buckets, then 128 for
 * each doubling, so that a value is known to better than 0.8 %. Counts live in a typed array, which may be shared
 * memory: threads record into their own and are merged by addition, never averaged.
 */

const subBucketBits = 8
const subBucketCount = 1 << subBucketBits
const halfCount = subBucketCount / 2
const maxUnits = 2 ** 31 - 1

/** One unit is 100 ns; the largest recordable latency is 214 s, and longer ones count as that. */
export const unitsPerMs = 10_000
export const histogramLength = (31 - subBucketBits + 2) * halfCount

/** Slot of a latency; `units` ≥ 0. */
export function slotOf(units: number): number {
  const value = units > maxUnits ? maxUnits : units | 0
  const shift = 32 - subBucketBits - Math.clz32(value | (subBucketCount - 1))
  return shift * halfCount + (value >>> shift)
}

/** The largest latency that falls into the slot, in units. */
export function slotEnd(slot: number): number {
  const shift = Math.max(0, Math.floor(slot / halfCount) - 1)
  return (slot - shift * halfCount + 1) * 2 ** shift - 1
}

export function mergeCounts(into: Float64Array, counts: ArrayLike<number>): void {
  for (let slot = 0; slot < counts.length; slot++) into[slot]! += counts[slot]!
}

export interface LatencySummary {
  readonly count: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly p9999Ms: number
  readonly maxMs: number
}

export function summarize(counts: ArrayLike<number>): LatencySummary {
  let count = 0
  let sum = 0
  let last = 0
  for (let slot = 0; slot < counts.length; slot++) {
    const here = counts[slot]!
    if (here === 0) continue
    count += here
    sum += here * slotMiddle(slot)
    last = slot
  }
  const at = (quantile: number) => (count === 0 ? 0 : quantileUnits(counts, count, quantile) / unitsPerMs)
  return {
    count,
    meanMs: count === 0 ? 0 : sum / count / unitsPerMs,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    p9999Ms: at(0.9999),
    maxMs: count === 0 ? 0 : slotEnd(last) / unitsPerMs,
  }
}

/** 0.9999 × 10,000 must be the 9,999th value although the product is a little more in binary. */
const roundingSlack = 1e-6

/** The smallest slot end that at least the quantile's share of the values do not exceed, as HdrHistogram defines it. */
export function quantileUnits(counts: ArrayLike<number>, total: number, quantile: number): number {
  const wanted = Math.min(total, Math.max(1, Math.ceil(quantile * total - roundingSlack)))
  let seen = 0
  for (let slot = 0; slot < counts.length; slot++) {
    seen += counts[slot]!
    if (seen >= wanted) return slotEnd(slot)
  }
  return 0
}

function slotMiddle(slot: number): number {
  return slot < subBucketCount ? slot : (slotEnd(slot - 1) + 1 + slotEnd(slot)) / 2
}
