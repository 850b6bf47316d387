/**
 * Two unpaired samples, each the seconds of one run. Seconds resemble their neighbours (a stall, an eviction, a busy
 * neighbour lasts), and a test that takes them for independent is sure too soon: where they do, they are judged in blocks.
 */
import type { Random } from '../random.js'
import type { Change } from './comparison.js'
import type { MetricUnit } from './gate-metric.js'
import {
  autocorrelation,
  bootstrapInterval,
  inBlocks,
  mannWhitney,
  mean,
  median,
  resample,
} from './statistics.js'

/** With fewer nothing is judged: of 7 and 7 the smallest p-value is 2 in 3,432, enough for a family of 80 at 5 %. */
export const leastSlices = 7

/** Autocorrelation from which on seconds are taken in blocks; of few seconds it must be larger to be one at all. */
const noticeable = 0.2
const mostBlockLength = 30
const draws = 2_000

export interface SliceOptions {
  readonly unit: MetricUnit
  readonly confidence: number
  readonly random: Random
}

export interface SliceChange {
  /** The middle second: the median of a latency, the mean of others. */
  readonly before: number
  readonly after: number
  readonly change: Change
  /** Seconds in a block; 1: they were independent. */
  readonly blockLength: number
}

/** undefined: too few seconds, or nothing that a ratio could be taken of. */
export function compareSlices(
  before: readonly number[],
  after: readonly number[],
  { unit, confidence, random }: SliceOptions,
): SliceChange | undefined {
  // a throughput is a sum over time, and so is a share; a latency's outliers are another quantile's business
  const middle = unit === 'ms' ? median : mean
  const kind = unit === 'share' ? 'difference' : 'ratio'
  if (kind === 'ratio' && [before, after].some((values) => values.length > 0 && middle(values) <= 0))
    return undefined
  const blockLength = Math.max(blockLengthOf(before), blockLengthOf(after))
  const [a, b] = [inBlocks(before, blockLength), inBlocks(after, blockLength)]
  if (a.length < leastSlices || b.length < leastSlices) return undefined
  const between = (first: readonly number[], second: readonly number[]) =>
    kind === 'ratio' ? middle(second) / middle(first) : middle(second) - middle(first)
  return {
    before: middle(before),
    after: middle(after),
    change: {
      kind,
      estimate: between(before, after),
      interval: bootstrapInterval(
        () => between(resample(before, random, blockLength), resample(after, random, blockLength)),
        { confidence, draws },
      ),
      rawPValue: mannWhitney(a, b).pValue,
    },
    blockLength,
  }
}

/**
 * Of n values with autocorrelation r, n (1 − r) / (1 + r) are worth as much as independent ones: a block is as long as one
 * of those (the first-order rule of Bartlett, 1935).
 */
function blockLengthOf(values: readonly number[]): number {
  const correlation = values.length < leastSlices ? 0 : autocorrelation(values)
  if (correlation < Math.max(noticeable, 2 / Math.sqrt(values.length))) return 1
  return Math.min(mostBlockLength, Math.ceil((1 + correlation) / (1 - Math.min(0.99, correlation))))
}
