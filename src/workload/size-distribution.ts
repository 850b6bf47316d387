/**
 * Sizes of keys and values in bytes, and other amounts from 0 up such as milliseconds: drawn from a seeded generator, with
 * their exact distribution functions. Their texts stand in size-text.ts.
 */
import type { Random } from '../random.js'
import { createNormal, normalCdf, normalQuantile } from './normal.js'
import { createWeightedDraw } from './weighted-draw.js'

export type SizeDistribution =
  | { readonly kind: 'fixed'; readonly value: number }
  /** Both ends included. */
  | { readonly kind: 'uniform'; readonly min: number; readonly max: number }
  /** `mu` and `sigma` of the logarithm; drawn again outside [min, max]. */
  | {
      readonly kind: 'lognormal'
      readonly mu: number
      readonly sigma: number
      readonly min: number
      readonly max: number
    }
  /** Generalized Pareto: location, scale > 0, shape; drawn again above `max`. */
  | {
      readonly kind: 'pareto'
      readonly location: number
      readonly scale: number
      readonly shape: number
      readonly max: number
    }
  /** Ranges [from, to] with weights, that do not overlap; uniform within a range. */
  | {
      readonly kind: 'histogram'
      readonly from: readonly number[]
      readonly to: readonly number[]
      readonly weights: readonly number[]
    }

type Lognormal = Extract<SizeDistribution, { kind: 'lognormal' }>
type Pareto = Extract<SizeDistribution, { kind: 'pareto' }>
type Histogram = Extract<SizeDistribution, { kind: 'histogram' }>

/** Draws whole numbers, such as bytes: continuous distributions are rounded to the nearest. */
export function createSizeDraw(spec: SizeDistribution, random: Random): () => number {
  switch (spec.kind) {
    case 'fixed':
      return () => spec.value
    case 'uniform': {
      const { min, max } = spec
      return () => min + random.below(max - min + 1)
    }
    case 'histogram': {
      const from = Float64Array.from(spec.from)
      const widths = Float64Array.from(spec.to, (to, range) => to - spec.from[range]! + 1)
      const range = createWeightedDraw(spec.weights, random)
      return () => {
        const at = range()
        return widths[at] === 1 ? from[at]! : from[at]! + random.below(widths[at]!)
      }
    }
    case 'lognormal':
      return createLognormal(spec, random, true)
    case 'pareto':
      return createPareto(spec, random, true)
    default:
      return spec satisfies never
  }
}

/** Draws amounts with a fraction, such as milliseconds. */
export function createAmountDraw(spec: SizeDistribution, random: Random): () => number {
  switch (spec.kind) {
    case 'fixed':
      return () => spec.value
    case 'uniform':
      return () => spec.min + random.next() * (spec.max - spec.min)
    case 'lognormal':
      return createLognormal(spec, random, false)
    case 'pareto':
      return createPareto(spec, random, false)
    case 'histogram': {
      const range = createWeightedDraw(spec.weights, random)
      return () => {
        const at = range()
        return spec.from[at]! + random.next() * (spec.to[at]! - spec.from[at]!)
      }
    }
    default:
      return spec satisfies never
  }
}

// Rounding stands inside the draws: a number with a fraction that a function returns is an object, unless it is inlined.
// It is by floor, because Math.round takes V8 as long as all the rest.

/** Drawn again outside [min, max]; where that would be most draws, by inversion, which is as exact and needs no second draw. */
function createLognormal(spec: Lognormal, random: Random, isWhole: boolean): () => number {
  const { mu, sigma, min, max } = spec
  if (shareWithin(spec) < 0.5) {
    const quantile = createQuantile(spec)
    return () => (isWhole ? Math.floor(quantile(random.next()) + 0.5) : quantile(random.next()))
  }
  const normal = createNormal(random)
  return () => {
    for (;;) {
      const amount = Math.exp(mu + sigma * normal())
      if (amount >= min && amount <= max) return isWhole ? Math.floor(amount + 0.5) : amount
    }
  }
}

/** By inversion, without the digits of `paretoQuantile` that a draw of 32 bits does not have. */
function createPareto(spec: Pareto, random: Random, isWhole: boolean): () => number {
  const { location, scale, shape, max } = spec
  const below = shareWithin(spec)
  return () => {
    const fallen = -Math.log(1 - random.next() * below)
    const excess = shape === 0 ? fallen : (Math.exp(shape * fallen) - 1) / shape
    const amount = Math.min(location + scale * excess, max)
    return isWhole ? Math.floor(amount + 0.5) : amount
  }
}

/** The share of an untruncated lognormal or Pareto that its ends leave; 1 for the others. */
export function shareWithin(spec: SizeDistribution): number {
  if (spec.kind === 'pareto') return paretoShare(spec, spec.max)
  if (spec.kind !== 'lognormal') return 1
  return normalCdf(standardized(spec, spec.max)) - normalCdf(standardized(spec, spec.min))
}

function standardized({ mu, sigma }: Lognormal, amount: number): number {
  return amount > 0 ? (Math.log(amount) - mu) / sigma : Number.NEGATIVE_INFINITY
}

/** P(X ≤ amount) of the untruncated generalized Pareto distribution. */
function paretoShare({ location, scale, shape }: Pareto, amount: number): number {
  const excess = (amount - location) / scale
  if (!(excess > 0)) return 0
  if (shape === 0) return -Math.expm1(-excess)
  if (1 + shape * excess <= 0) return 1
  return -Math.expm1(-Math.log1p(shape * excess) / shape)
}

function paretoQuantile({ location, scale, shape }: Pareto, share: number): number {
  const fallen = -Math.log1p(-share)
  return location + scale * (shape === 0 ? fallen : Math.expm1(shape * fallen) / shape)
}

/** P(X ≤ amount), of the continuous distribution; of a fixed amount a step. */
export function shareBelow(spec: SizeDistribution, amount: number): number {
  switch (spec.kind) {
    case 'fixed':
      return amount >= spec.value ? 1 : 0
    case 'uniform':
      return within((amount - spec.min) / (spec.max - spec.min || 1))
    case 'lognormal': {
      const below = normalCdf(standardized(spec, Math.max(amount, spec.min)))
      return within((below - normalCdf(standardized(spec, spec.min))) / shareWithin(spec))
    }
    case 'pareto':
      return within(paretoShare(spec, amount) / shareWithin(spec))
    case 'histogram': {
      const below = spec.weights.map((weight, range) => {
        const [from, to] = [spec.from[range]!, spec.to[range]!]
        return weight * (to > from ? within((amount - from) / (to - from)) : amount >= from ? 1 : 0)
      })
      return sumOf(below) / sumOf(spec.weights)
    }
    default:
      return spec satisfies never
  }
}

function within(share: number): number {
  return Math.max(0, Math.min(1, share))
}

/** The amount that the share `share`, in [0, 1], of all draws do not exceed: the inverse of `shareBelow`. */
export function quantileOf(spec: SizeDistribution, share: number): number {
  return createQuantile(spec)(share)
}

/** `quantileOf` for many shares. */
export function createQuantile(spec: SizeDistribution): (share: number) => number {
  switch (spec.kind) {
    case 'fixed':
      return () => spec.value
    case 'uniform':
      return (share) => spec.min + share * (spec.max - spec.min)
    case 'lognormal': {
      const before = normalCdf(standardized(spec, spec.min))
      const between = shareWithin(spec)
      return (share) => {
        const amount = Math.exp(spec.mu + spec.sigma * normalQuantile(before + share * between))
        return Math.max(spec.min, Math.min(spec.max, amount))
      }
    }
    case 'pareto': {
      const below = shareWithin(spec)
      return (share) => Math.min(paretoQuantile(spec, share * below), spec.max)
    }
    case 'histogram':
      return createHistogramQuantile(spec, 0)
    default:
      return spec satisfies never
  }
}

/** `extra` is 1 for whole numbers, of which a range from 5 to 5 holds one. */
function createHistogramQuantile(spec: Histogram, extra: 0 | 1): (share: number) => number {
  const order = spec.from.map((_, range) => range).sort((a, b) => spec.from[a]! - spec.from[b]!)
  const total = sumOf(spec.weights)
  let sum = 0
  const ends = order.map((range) => {
    sum += spec.weights[range]! / total
    return sum
  })
  return (share) => {
    let [at, last] = [0, ends.length - 1]
    while (at < last) {
      const middle = (at + last) >> 1
      if (share < ends[middle]!) last = middle
      else at = middle + 1
    }
    const range = order[at]!
    const start = at === 0 ? 0 : ends[at - 1]!
    const inside = within((share - start) / (ends[at]! - start || 1))
    const [from, to] = [spec.from[range]!, spec.to[range]!]
    return Math.min(from + inside * (to - from + extra), to)
  }
}

/** Whole sizes by their share, for sizes that are to be a fixed function of something: as many of each as are drawn. */
export function createSizeQuantile(spec: SizeDistribution): (share: number) => number {
  switch (spec.kind) {
    case 'uniform':
      return (share) => Math.min(Math.floor(spec.min + share * (spec.max - spec.min + 1)), spec.max)
    case 'histogram': {
      const quantile = createHistogramQuantile(spec, 1)
      return (share) => Math.floor(quantile(share))
    }
    default: {
      const quantile = createQuantile(spec)
      return (share) => Math.round(quantile(share))
    }
  }
}

/** The mean of the continuous distribution, exact; infinite for an endless Pareto of shape 1 or more. */
export function meanOf(spec: SizeDistribution): number {
  switch (spec.kind) {
    case 'fixed':
      return spec.value
    case 'uniform':
      return (spec.min + spec.max) / 2
    case 'lognormal': {
      const { mu, sigma } = spec
      const [low, high] = [standardized(spec, spec.min), standardized(spec, spec.max)]
      const kept = (normalCdf(high - sigma) - normalCdf(low - sigma)) / shareWithin(spec)
      return Math.exp(mu + (sigma * sigma) / 2) * kept
    }
    case 'pareto':
      return meanOfPareto(spec)
    case 'histogram': {
      const weighted = spec.weights.map(
        (weight, range) => (weight * (spec.from[range]! + spec.to[range]!)) / 2,
      )
      return sumOf(weighted) / sumOf(spec.weights)
    }
    default:
      return spec satisfies never
  }
}

/** E[X | X ≤ max] by the integral of the survival function. */
function meanOfPareto(spec: Pareto): number {
  const { location, scale, shape, max } = spec
  const end = shape < 0 ? Math.min((max - location) / scale, -1 / shape) : (max - location) / scale
  const below = shareWithin(spec)
  if (end === Number.POSITIVE_INFINITY)
    return shape < 1 ? location + scale / (1 - shape) : Number.POSITIVE_INFINITY
  const area =
    shape === 0
      ? -Math.expm1(-end)
      : shape === 1
        ? Math.log1p(end)
        : -Math.expm1((1 - 1 / shape) * Math.log1p(shape * end)) / (1 - shape)
  return location + (scale * (area - end * (1 - below))) / below
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
