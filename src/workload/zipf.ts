/**
 * Zipf-distributed ranks, exact for any theta > 0 and up to 2^31 ranks. The hottest ranks have a cell each in an alias
 * table; the others stand in strips of neighbours that differ by half a percent, drawn by their upper bound and then
 * accepted or rejected by their true weight (composition and rejection: Devroye, "Non-uniform random variate generation",
 * 1986, II.3 and II.4). Rejection-inversion (Hörmann & Derflinger, ACM TOMACS 6(3), 1996) is as exact, and needs two
 * transcendental functions a draw, where this needs one in a few hundred.
 */
import type { Random } from '../random.js'
import { createWeightedDraw } from './weighted-draw.js'

/** A strip's width in shares of its first rank. */
const stripShare = 1 / 200

/** Ranks 0 (hottest) to count-1; rank r has probability proportional to (r+1)^-theta. */
export function createZipf(count: number, theta: number, random: Random): () => number {
  const strips: { first: number; width: number; bound: number; floor: number }[] = []
  for (let first = 1; first <= count; ) {
    const width = Math.min(Math.max(1, Math.floor(first * stripShare)), count + 1 - first)
    const floor = ((first + width - 1) / first) ** -theta
    strips.push({ first, width, bound: width * first ** -theta, floor })
    first += width
  }
  const firsts = Float64Array.from(strips, ({ first }) => first)
  const widths = Float64Array.from(strips, ({ width }) => width)
  // a draw below this is accepted whichever rank it is for
  const floors = Float64Array.from(strips, ({ floor }) => floor)
  const drawStrip = createWeightedDraw(
    strips.map(({ bound }) => bound),
    random,
  )
  return () => {
    for (;;) {
      const strip = drawStrip()
      const first = firsts[strip]!
      const width = widths[strip]!
      if (width === 1) return first - 1
      const rank = first + random.below(width)
      const chance = random.next()
      if (chance < floors[strip]! || chance < (rank / first) ** -theta) return rank - 1
    }
  }
}

/** The probabilities of the ranks, for tests and for the truth that hot keys are compared with. */
export function zipfProbabilities(count: number, theta: number): Float64Array {
  const weights = Float64Array.from({ length: count }, (_, rank) => (rank + 1) ** -theta)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}
