/** Which key the next request asks for: parsed from the command line, drawn from a seeded generator. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { Random } from '../random.js'
import { createZipf } from './zipf.js'

export type KeyDistribution = { readonly kind: 'uniform' } | { readonly kind: 'zipf'; readonly theta: number }

/** Products of two key numbers must stay exact in a double. */
export const maxKeyCount = 50_000_000

/** `uniform` or `zipf:THETA`. Errors: `invalid`. */
export function parseDistribution(text: string): KeyDistribution {
  if (text === 'uniform') return { kind: 'uniform' }
  const [, digits] = /^zipf:(\d*\.?\d+)$/.exec(text) ?? []
  const theta = Number(digits)
  if (digits !== undefined && theta > 0 && theta <= 10) return { kind: 'zipf', theta }
  throw invalid(
    `distribution ${printable(text)}: expected uniform or zipf:THETA with 0 < THETA ≤ 10, as in zipf:0.99`,
  )
}

/** Draws key indexes in [0, keyCount). */
export function createKeyDraw(distribution: KeyDistribution, keyCount: number, random: Random): () => number {
  if (distribution.kind === 'uniform') return () => random.below(keyCount)
  const rank = createZipf(keyCount, distribution.theta, random)
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
  return (rank) => (rank * step + offset) % keyCount
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  return x
}
