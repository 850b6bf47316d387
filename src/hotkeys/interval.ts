/**
 * Shares with their uncertainty. Commands of one burst are alike (traffic comes in waves), so the variance is taken between
 * bursts: the ratio estimator of cluster sampling (Cochran, Sampling Techniques, §6.4) with the binomial variance as its
 * floor, in an interval of Wilson's shape around it.
 */
import type { KeyTally, Tally } from './tally.js'

/** A value and its 95 % interval. */
export interface Bounded {
  readonly value: number
  readonly low: number
  readonly high: number
}

const preciseEnough = 0.15

/** Known to 15 % of itself: what is open of it does not change what one would do. */
export function isPrecise({ value, low, high }: Bounded): boolean {
  return high - low <= 2 * preciseEnough * value
}

/** An interval as wide as its value to either side says nothing. */
export function isInformative({ value, low, high }: Bounded): boolean {
  return (high - low) / 2 < value
}

/** Two-sided, in (0, 1): the chance that the truth is outside. */
export const shownError = 0.05

/** A key's part of its node's commands. */
export function shareOf(key: KeyTally, node: Tally, error = shownError): Bounded {
  const value = node.samples > 0 ? key.seen / node.samples : 0
  // one burst says nothing about how bursts differ
  if (node.bursts < 1.5) return { value, low: 0, high: 1 }
  const effect = designEffect(key, node)
  const size = node.samples ** 2 / node.squaredWeights / effect
  const quantile = studentQuantile(error, freedomOf(key, node, effect))
  const { low, high } = wilson(value, size, quantile)
  return { value, low, high: Math.min(1, high + key.error / node.samples) }
}

/** How many times larger the variance between bursts is than that of as many commands drawn one by one; at least 1. */
export function designEffect(key: KeyTally, node: Tally): number {
  const { samples, squares, bursts, squaredWeights } = node
  const share = key.seen / samples
  const binomial = (share * (1 - share) * squaredWeights) / samples ** 2
  if (binomial <= 0 || bursts < 1.5) return 1
  const deviations = key.squares - 2 * share * key.products + share ** 2 * squares
  return Math.max(1, ((bursts / (bursts - 1)) * deviations) / samples ** 2 / binomial)
}

/** A key comes in waves when its bursts differ by more than chance would explain. */
export const wavesFrom = 1.5

/**
 * A variance that rests on a few bursts is itself a guess: what is 0 in most bursts and large in k of them has about
 * 2k degrees of freedom, by the kurtosis of such counts.
 */
function freedomOf(key: KeyTally, node: Tally, effect: number): number {
  const all = Math.max(1, node.bursts - 1)
  const comesInWaves = effect > wavesFrom && key.seen >= fewestForWaves
  return comesInWaves ? Math.min(all, Math.max(fewestFreedoms, 2 * key.bursts)) : all
}

/** Keys that were seen less often tell nothing about waves: two commands meet in a burst by chance. */
export const fewestForWaves = 8
/** With fewer the quantiles of Student's distribution leave all reason. */
const fewestFreedoms = 4

/** Wilson (1927). */
export function wilson(share: number, size: number, quantile: number): { low: number; high: number } {
  const square = quantile ** 2 / size
  const middle = (share + square / 2) / (1 + square)
  const half = Math.sqrt(share * (1 - share) * square + square ** 2 / 4) / (1 + square)
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** A weighted sum of independent shares, from their intervals (Zou and Donner, Statistics in Medicine 27, 2008). */
export function weightedSum(parts: readonly { readonly share: Bounded; readonly weight: number }[]): Bounded {
  let [value, below, above] = [0, 0, 0]
  for (const { share, weight } of parts) {
    value += weight * share.value
    below += (weight * (share.value - share.low)) ** 2
    above += (weight * (share.high - share.value)) ** 2
  }
  return { value, low: Math.max(0, value - Math.sqrt(below)), high: value + Math.sqrt(above) }
}

export function scaled({ value, low, high }: Bounded, factor: number): Bounded {
  return { value: value * factor, low: low * factor, high: high * factor }
}

/** No key that was never seen has more than this, at 95 %: there are at most 1/u keys with a share of u. */
export function unseenBound(samples: number): number {
  if (samples <= 0) return 1
  let bound = 3 / samples
  for (let round = 0; round < 20; round++) bound = Math.log(1 / (shownError * bound)) / samples
  return Math.min(1, bound)
}

/** Of the standard normal distribution: exceeded with that chance, which is at most 1/2. Abramowitz and Stegun 26.2.23. */
export function normalQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail))
  return (
    t -
    (2.515517 + 0.802853 * t + 0.010328 * t ** 2) / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3)
  )
}

/** Exceeded in size with that chance by Student's t (Hill, Algorithm 396, CACM 13, 1970). */
export function studentQuantile(error: number, freedom: number): number {
  if (freedom < 1.5) return 1 / Math.tan((error * Math.PI) / 2)
  const a = 1 / (freedom - 0.5)
  const b = 48 / a ** 2
  let c = ((20_700 * (a / b) - 98) * a - 16) * a + 96.36
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * freedom
  let y = (d * error) ** (2 / freedom)
  if (y > 0.05 + a) {
    const x = -normalQuantile(error / 2)
    y = x ** 2
    if (freedom < 5) c += 0.3 * (freedom - 4.5) * (x + 0.6)
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    y = Math.expm1(a * y ** 2)
  } else {
    const tail = 1 / (((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3)
    y = ((tail + 0.5 / (freedom + 4)) * y - 1) * ((freedom + 1) / (freedom + 2)) + 1 / y
  }
  return Math.sqrt(freedom * y)
}
