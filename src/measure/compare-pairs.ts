/**
 * Two things measured in turns (A B B A …), so that a machine that drifts drifts under both: each pair gives one ratio,
 * and the ratios are judged. Between pairs the machine may do what it likes.
 */
import type { Random } from '../random.js'
import type { BenchMeasures } from './bench-measures.js'
import { type Change, type Comparison, type JudgedMetric, judge, verdictOf } from './comparison.js'
import type { MetricUnit } from './gate-metric.js'
import { bootstrapInterval, median, resample, signFlip } from './statistics.js'

/** One turn; null or 0: not measured, and its pair is left out of the metric. */
export interface SliceMeasures {
  readonly throughputPerSec: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly hitRatio: number | null
}

export interface SlicePair {
  readonly a: SliceMeasures
  readonly b: SliceMeasures
}

export interface PairOptions {
  /** Of all metrics together; default 0.95. */
  readonly confidence?: number
  /** Of a ratio, as in 0.05, the default. */
  readonly minimumEffect?: number
  readonly random: Random
  /** Of the bootstrap; default 2,000. */
  readonly draws?: number
}

/** With fewer, nothing can be significant at 5 % among four metrics: 4 × 2 / 2^8 is 3 %, 4 × 2 / 2^7 is 6 %. */
export const leastPairs = 8

const bootstrapDraws = 2_000

export function sliceOf(measures: BenchMeasures): SliceMeasures {
  const { throughputPerSec, overall, hitRatio } = measures
  return { throughputPerSec, p50Ms: overall.p50Ms, p99Ms: overall.p99Ms, hitRatio }
}

interface PairMetric {
  readonly metric: string
  readonly unit: MetricUnit
  readonly moreIsBetter: boolean
  readonly kind: Change['kind']
  readonly of: (slice: SliceMeasures) => number | null
}

const metrics: readonly PairMetric[] = [
  {
    metric: 'throughput',
    unit: 'perSec',
    moreIsBetter: true,
    kind: 'ratio',
    of: (slice) => slice.throughputPerSec || null,
  },
  { metric: 'p50', unit: 'ms', moreIsBetter: false, kind: 'ratio', of: (slice) => slice.p50Ms || null },
  { metric: 'p99', unit: 'ms', moreIsBetter: false, kind: 'ratio', of: (slice) => slice.p99Ms || null },
  {
    metric: 'hit_ratio',
    unit: 'share',
    moreIsBetter: true,
    kind: 'difference',
    of: (slice) => slice.hitRatio,
  },
]

/** A is before, B after. Throughput, p50, p99 and hit ratio are judged as one family. */
export function comparePairs(pairs: readonly SlicePair[], options: PairOptions): Comparison {
  const { confidence = 0.95, minimumEffect = 0.05, random, draws = bootstrapDraws } = options
  const judged = metrics.map((metric): JudgedMetric => {
    const { kind, of, ...named } = metric
    const values = pairs.flatMap(({ a, b }) => {
      const [before, after] = [of(a), of(b)]
      return before === null || after === null ? [] : [{ before, after }]
    })
    const change =
      values.length < leastPairs
        ? null
        : changeOf(kind, values, (estimate) => bootstrapInterval(estimate, { confidence, draws }), random)
    const middle = (pick: 'before' | 'after') =>
      values.length === 0 ? null : median(values.map((value) => value[pick]))
    return { ...named, before: middle('before'), after: middle('after'), change }
  })
  const compared = judge(judged, { confidence, minimumEffect })
  return {
    design: 'paired',
    method: [
      `${pairs.length} pairs of slices measured in turns: values are medians of the slices, a change is the median of the pairs' ratios.`,
      `p-values: Fisher's sign permutation test, raised by Holm for ${metrics.length} metrics; intervals: bootstrap over the pairs (${confidence * 100} %).`,
    ],
    minimumEffect,
    confidence,
    metrics: compared,
    warnings:
      pairs.length < leastPairs
        ? [`${pairs.length} pairs show nothing: at least ${leastPairs} are needed`]
        : [],
    verdict: verdictOf(compared),
  }
}

function changeOf(
  kind: Change['kind'],
  values: readonly { before: number; after: number }[],
  intervalOf: (estimate: () => number) => Change['interval'],
  random: Random,
): Change {
  const differences = values.map(({ before, after }) =>
    kind === 'ratio' ? Math.log(after / before) : after - before,
  )
  const { low, high } = intervalOf(() => median(resample(differences, random)))
  const back = (value: number) => (kind === 'ratio' ? Math.exp(value) : value)
  return {
    kind,
    estimate: back(median(differences)),
    interval: { low: back(low), high: back(high) },
    rawPValue: signFlip(differences),
  }
}
