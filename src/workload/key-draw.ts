/** The draws of key numbers behind the distributions, each from a seeded generator. */
import type { Random } from '../random.js'
import { createNormal } from './normal.js'
import { createWeightedDraw } from './weighted-draw.js'
import { createZipf } from './zipf.js'

/** The keys by age, for distributions that prefer new ones; inserts make it grow. */
export interface KeysByAge {
  /** Keys there are now. */
  readonly count: number
  /** It never grows beyond. */
  readonly maxCount: number
  /** `age` 0: the newest; less than `count`. */
  keyAt(age: number): number
}

export function fixedKeys(keyCount: number): KeysByAge {
  return { count: keyCount, maxCount: keyCount, keyAt: (age) => keyCount - 1 - age }
}

export function scattered(rank: () => number, keyCount: number): () => number {
  const scatter = createScatter(keyCount)
  return () => scatter(rank())
}

/**
 * A fixed permutation of [0, keyCount): the hottest keys are not neighbours. rank → (rank × step + offset) mod keyCount
 * with a step near the golden section, prime to the count. Rank 0 is the hottest.
 */
export function createScatter(keyCount: number): (rank: number) => number {
  let step = Math.max(1, Math.floor(keyCount * 0.6180339887498949))
  while (greatestCommonDivisor(step, keyCount) !== 1) step += 1
  const offset = Math.floor(keyCount / 3)
  const perKey = 1 / keyCount
  return (rank) => {
    // the remainder of doubles is slow; the quotient by a product is off by one at most, and all of it stays below 2^53
    const product = rank * step + offset
    const rest = product - Math.floor(product * perKey) * keyCount
    return rest < 0 ? rest + keyCount : rest >= keyCount ? rest - keyCount : rest
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  return x
}

/** YCSB's HotspotIntegerGenerator: the first keys are the hot ones. */
export function createHotspot(
  { keyShare, requestShare }: { readonly keyShare: number; readonly requestShare: number },
  keyCount: number,
  random: Random,
): () => number {
  const hot = Math.max(1, Math.floor(keyShare * keyCount))
  const cold = keyCount - hot
  return () => (cold === 0 || random.next() < requestShare ? random.below(hot) : hot + random.below(cold))
}

/** A normal variate around the middle, rounded; drawn again outside, which with sigma ≤ 1 is at most 62 % of them. */
export function createGaussian(sigmaShare: number, keyCount: number, random: Random): () => number {
  const normal = createNormal(random)
  const middle = (keyCount - 1) / 2
  const sigma = sigmaShare * keyCount
  return () => {
    for (;;) {
      const key = Math.floor(middle + sigma * normal() + 0.5)
      if (key >= 0 && key < keyCount) return key
    }
  }
}

/** YCSB's SkewedLatestGenerator, exact while the keys grow: Zipf over all there can be, drawn again beyond those there are. */
export function createLatest(theta: number, byAge: KeysByAge, random: Random): () => number {
  const rank = createZipf(byAge.maxCount, theta, random)
  return () => {
    for (;;) {
      const age = rank()
      if (age < byAge.count) return byAge.keyAt(age)
    }
  }
}

export function createSequence(
  keyCount: number,
  part: { readonly index: number; readonly count: number },
): () => number {
  const step = part.count % keyCount
  let at = ((part.index % keyCount) - step + keyCount) % keyCount
  return () => {
    at += step
    if (at >= keyCount) at -= keyCount
    return at
  }
}

/**
 * YCSB's ExponentialGenerator, by age: P(age ≥ a) falls as e^(-rate × a), cut off at the oldest key by inversion, where
 * YCSB draws again.
 */
export function createExponential(
  { percentile, rangeShare }: { readonly percentile: number; readonly rangeShare: number },
  keyCount: number,
  byAge: KeysByAge,
  random: Random,
): () => number {
  const rate = -Math.log1p(-percentile / 100) / (rangeShare * keyCount)
  let count = 0
  let within = 0
  return () => {
    if (count !== byAge.count) {
      count = byAge.count
      within = -Math.expm1(-rate * count)
    }
    const age = Math.floor(-Math.log1p(-random.next() * within) / rate)
    return byAge.keyAt(Math.min(age, count - 1))
  }
}

/** Ranks of measured popularity: a group by its weight, then uniform between the group's two ends. */
export function createPopularity(
  { keyCounts, weights }: { readonly keyCounts: readonly number[]; readonly weights: readonly number[] },
  keyCount: number,
  random: Random,
): () => number {
  const total = keyCounts.reduce((sum, count) => sum + count, 0)
  const widths = Float64Array.from(keyCounts, (count) => (count / total) * keyCount)
  const starts = new Float64Array(widths.length)
  for (let group = 1; group < starts.length; group++) starts[group] = starts[group - 1]! + widths[group - 1]!
  const drawGroup = createWeightedDraw(weights, random)
  return () => {
    const group = drawGroup()
    return Math.min(Math.floor(starts[group]! + random.next() * widths[group]!), keyCount - 1)
  }
}
