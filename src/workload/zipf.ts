/**
 * Zipf-distributed ranks by rejection-inversion (Hörmann & Derflinger, "Rejection-inversion to generate variates from
 * monotone discrete distributions", ACM TOMACS 6(3), 1996): exact for any theta > 0, no table, O(1) a draw.
 */
import type { Random } from '../random.js'

/** Ranks 0 (hottest) to count-1; rank r has probability proportional to (r+1)^-theta. */
export function createZipf(count: number, theta: number, random: Random): () => number {
  const exponent = 1 - theta
  // H is the antiderivative of x^-theta; near theta = 1 the closed form loses its digits, expm1 and log keep them
  const h = (x: number) => (exponent === 0 ? Math.log(x) : Math.expm1(exponent * Math.log(x)) / exponent)
  const hInverse = (y: number) =>
    exponent === 0 ? Math.exp(y) : Math.exp(Math.log1p(exponent * y) / exponent)
  const density = (x: number) => Math.exp(-theta * Math.log(x))
  const top = h(1.5) - 1
  const bottom = h(count + 0.5)
  const shortcut = 2 - hInverse(h(2.5) - density(2))
  return () => {
    for (;;) {
      const u = bottom + random.next() * (top - bottom)
      const x = hInverse(u)
      const k = Math.min(count, Math.max(1, Math.round(x)))
      if (k - x <= shortcut || u >= h(k + 0.5) - density(k)) return k - 1
    }
  }
}

/** The probabilities of the ranks, for tests and for the truth that hot keys are compared with. */
export function zipfProbabilities(count: number, theta: number): Float64Array {
  const weights = Float64Array.from({ length: count }, (_, rank) => (rank + 1) ** -theta)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}
