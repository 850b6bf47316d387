/**
 * One of several things by weight, in the same time however many there are: Walker's alias method with Vose's set-up
 * (Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE TSE 17(9), 1991).
 */
import type { Random } from '../random.js'

const wholeRange = 2 ** 32

/**
 * Draws indexes with probability proportional to `weights` (finite, not negative, at least one above 0; up to 2^24 of
 * them), to a resolution of 2^-32 of a cell. A single weight costs no draw.
 */
export function createWeightedDraw(weights: ArrayLike<number>, random: Random): () => number {
  if (weights.length === 1) return () => 0
  const { thresholds, aliases, shift } = buildTable(weights)
  return () => {
    const cell = random.uint32() >>> shift
    return random.uint32() < thresholds[cell]! ? cell : aliases[cell]!
  }
}

/** A power of two of cells, so that a cell is a few bits of a draw; those too many have no weight. */
function buildTable(weights: ArrayLike<number>) {
  const bits = Math.max(1, Math.ceil(Math.log2(weights.length)))
  const size = 2 ** bits
  let total = 0
  let heaviest = 0
  for (let index = 0; index < weights.length; index++) {
    total += weights[index]!
    if (weights[index]! > weights[heaviest]!) heaviest = index
  }
  const mass = Float64Array.from({ length: size }, (_, index) => ((weights[index] ?? 0) / total) * size)
  const thresholds = new Float64Array(size)
  const aliases = new Uint32Array(size).fill(heaviest)
  const small: number[] = []
  const large: number[] = []
  mass.forEach((each, index) => {
    if (each < 1) small.push(index)
    else large.push(index)
  })
  while (small.length > 0 && large.length > 0) {
    const below = small.pop()!
    const above = large.at(-1)!
    thresholds[below] = mass[below]! * wholeRange
    aliases[below] = above
    mass[above] = mass[above]! - (1 - mass[below]!)
    if (mass[above]! < 1) small.push(large.pop()!)
  }
  // what is left holds 1 but for rounding, or no weight at all
  for (const index of [...small, ...large]) {
    if ((weights[index] ?? 0) > 0) thresholds[index] = wholeRange
  }
  return { thresholds, aliases, shift: 32 - bits }
}
