/**
 * The statistics of comparisons, on plain samples. Rank tests, because latencies have heavy tails: they ask which sample
 * tends to be larger, not by how much the outliers differ. Their distributions are exact, ties and all, for samples as
 * small as ours; the npm libraries that have them know the normal approximation only, or no ties.
 */
import type { Random } from '../random.js'

export interface Interval {
  readonly low: number
  readonly high: number
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** NaN of nothing, as the mean. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Values in both samples together up to which the exact distribution is counted out. */
const mostExact = 40

/**
 * Mann and Whitney (1947), two-sided: do values of one sample tend to be larger? `u` counts the pairs in which `a` is
 * larger, ties half. Exact over all ways to deal the values out, or by the normal approximation with the corrections for
 * ties and continuity.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): { u: number; pValue: number } {
  const ranks = doubleRanks([...a, ...b])
  const rankSum = ranks.slice(0, a.length).reduce((sum, rank) => sum + rank, 0)
  const u = rankSum / 2 - (a.length * (a.length + 1)) / 2
  if (a.length === 0 || b.length === 0) return { u, pValue: 1 }
  const pValue =
    ranks.length <= mostExact ? exactRankSum(ranks, a.length, rankSum) : normalRankSum(ranks, a.length, u)
  return { u, pValue }
}

/** Ranks from 1, doubled: the mean rank of ties is then a whole number. */
function doubleRanks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((i, j) => values[i]! - values[j]!)
  const ranks = new Array<number>(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start
    while (end < order.length && values[order[end]!] === values[order[start]!]) end += 1
    for (let at = start; at < end; at++) ranks[order[at]!] = start + end + 1
    start = end
  }
  return ranks
}

/** Of all ways to choose `size` of the ranks, the share whose sum is as far from the mean as this one, or farther. */
function exactRankSum(ranks: readonly number[], size: number, rankSum: number): number {
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  // ways[chosen][sum]
  const ways = Array.from({ length: size + 1 }, () => new Float64Array(total + 1))
  ways[0]![0] = 1
  for (const rank of ranks) {
    for (let chosen = size; chosen > 0; chosen--) {
      const [into, from] = [ways[chosen]!, ways[chosen - 1]!]
      for (let sum = total; sum >= rank; sum--) into[sum]! += from[sum - rank]!
    }
  }
  return shareAsFar(ways[size]!, (total * size) / ranks.length, rankSum)
}

/** `slack`: sums that differ by no more are the same. */
function shareAsFar(ways: Float64Array, expected: number, found: number, slack = 1e-9): number {
  let [all, asFar] = [0, 0]
  const distance = Math.abs(found - expected) - slack
  ways.forEach((count, sum) => {
    all += count
    if (Math.abs(sum - expected) >= distance) asFar += count
  })
  return Math.min(1, asFar / all)
}

function normalRankSum(ranks: readonly number[], size: number, u: number): number {
  const [n, other] = [ranks.length, ranks.length - size]
  const ties = new Map<number, number>()
  for (const rank of ranks) ties.set(rank, (ties.get(rank) ?? 0) + 1)
  const tied = [...ties.values()].reduce((sum, count) => sum + count ** 3 - count, 0)
  const variance = ((size * other) / 12) * (n + 1 - tied / (n * (n - 1)))
  if (variance === 0) return 1
  const distance = Math.max(0, Math.abs(u - (size * other) / 2) - 0.5)
  return 2 * normalTail(distance / Math.sqrt(variance))
}

/** Steps into which a difference as large as the median one is divided. */
const differenceSteps = 1_000
/** Beyond, the steps are coarser: what is counted out stays as small. */
const mostSteps = 100_000

/**
 * Fisher's sign permutation test (The Design of Experiments, 1935), two-sided: do the differences of pairs lie around 0?
 * In pairs of one thing each sign is a fair coin, whatever the noise: of all ways to throw the coins, the share whose sum
 * is as far from 0 is the p-value, exactly. Differences count up to `cap` times their median size, as in Huber's
 * estimates: a pair that something else disturbed has one vote, not ten. Differences of exactly 0 are left out.
 */
export function signFlip(differences: readonly number[], cap = 1): number {
  const values = differences.filter((value) => value !== 0)
  if (values.length === 0) return 1
  const usual = median(values.map(Math.abs))
  const sizes = values.map((value) => Math.min(Math.abs(value), cap * usual) / usual)
  const steps = Math.min(differenceSteps, mostSteps / sizes.reduce((sum, size) => sum + size, 0))
  const weights = sizes.map((size) => Math.max(1, Math.round(size * steps)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const positive = weights.reduce((sum, weight, index) => sum + (values[index]! > 0 ? weight : 0), 0)
  const ways = new Float64Array(total + 1)
  ways[0] = 1
  for (const weight of weights) for (let sum = total; sum >= weight; sum--) ways[sum]! += ways[sum - weight]!
  // sums that are equal but for the rounding of the weights count as equal: the p-value errs upwards
  return shareAsFar(ways, total / 2, positive, weights.length / 2)
}

/** P(Z > z), z ≥ 0: Abramowitz and Stegun 26.2.17, better than 1e-7. */
export function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const sum = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum
}

export interface BootstrapOptions {
  /** As in 0.95. */
  readonly confidence: number
  readonly draws: number
}

/**
 * Efron's percentile interval: the estimate, taken again and again of samples drawn from the sample. Not the
 * bias-corrected kind: its correction is itself a guess at ten or twenty values.
 */
export function bootstrapInterval(estimate: () => number, options: BootstrapOptions): Interval {
  const estimates = Array.from({ length: options.draws }, estimate).sort((a, b) => a - b)
  const cut = (1 - options.confidence) / 2
  const at = (share: number) => estimates[Math.round(share * (estimates.length - 1))] ?? Number.NaN
  return { low: at(cut), high: at(1 - cut) }
}

/** A sample of the same size, drawn in blocks of neighbours, so that what neighbours share stays shared (Künsch 1989). */
export function resample(values: readonly number[], random: Random, blockLength = 1): number[] {
  const drawn: number[] = []
  while (drawn.length < values.length) {
    const start = random.below(values.length)
    // around the end: otherwise the values there would be drawn less often
    for (let i = 0; i < blockLength && drawn.length < values.length; i++)
      drawn.push(values[(start + i) % values.length]!)
  }
  return drawn
}

/** Correlation of each value with the next one, in [-1, 1]; 0 where nothing varies. */
export function autocorrelation(values: readonly number[]): number {
  const middle = mean(values)
  let [product, square] = [0, 0]
  values.forEach((value, index) => {
    square += (value - middle) ** 2
    if (index > 0) product += (value - middle) * (values[index - 1]! - middle)
  })
  return square === 0 ? 0 : product / square
}

/** Means of so many neighbours each; a rest is left out. */
export function inBlocks(values: readonly number[], blockLength: number): number[] {
  return Array.from({ length: Math.floor(values.length / blockLength) }, (_, block) =>
    mean(values.slice(block * blockLength, (block + 1) * blockLength)),
  )
}

/** Holm (1979): p-values of a family, raised so that one false alarm in all of them has the level of one test. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index).sort((i, j) => pValues[i]! - pValues[j]!)
  const adjusted = new Array<number>(pValues.length)
  let largest = 0
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, pValues[index]! * (pValues.length - rank)))
    adjusted[index] = largest
  })
  return adjusted
}
