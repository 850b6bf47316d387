/** What a comparison of runs says: each metric before and after, how sure the difference is, and the verdict. */
import type { MetricUnit } from './gate-metric.js'
import { holm, type Interval } from './statistics.js'

export type Decision =
  | 'no significant change'
  | 'better'
  | 'worse'
  | 'changed, but less than the minimum effect'

/** How a metric went from one to the other. */
export interface Change {
  /** `ratio`: after / before, 1 is no change; `difference`: after − before, of shares. */
  readonly kind: 'ratio' | 'difference'
  readonly estimate: number
  readonly interval: Interval
  /** Of the metric alone; `ComparedMetric.pValue` counts the others in. */
  readonly rawPValue: number
}

export interface ComparedMetric {
  /** As in gates: `get.p99`, `node(n2).throughput`. */
  readonly metric: string
  readonly unit: MetricUnit
  readonly moreIsBetter: boolean
  /** null: not in that run. */
  readonly before: number | null
  readonly after: number | null
  /** null: not judged, because there are no samples of it, or too few. */
  readonly change: Change | null
  readonly pValue: number | null
  readonly decision: Decision | null
}

export interface Comparison {
  readonly design: 'paired' | 'unpaired'
  /** How it was judged, in sentences. */
  readonly method: readonly string[]
  readonly minimumEffect: number
  readonly confidence: number
  readonly metrics: readonly ComparedMetric[]
  readonly warnings: readonly string[]
  readonly verdict: Decision
}

/** Below this change of a share (hit ratio, error rate) nothing is called better or worse. */
export const minimumShareEffect = 0.01

export interface DecisionCriteria {
  readonly moreIsBetter: boolean
  readonly confidence: number
  /** Of a ratio, as in 0.05. */
  readonly minimumEffect: number
}

/**
 * Significant needs both: a p-value below 1 − confidence and an interval without "no change" in it. A test and an interval
 * are two approximations of one thing, and where they disagree nothing was shown.
 */
export function decide(change: Change, pValue: number, criteria: DecisionCriteria): Decision {
  const neutral = change.kind === 'ratio' ? 1 : 0
  const { low, high } = change.interval
  if (pValue > 1 - criteria.confidence || (low <= neutral && neutral <= high)) return 'no significant change'
  const isMore = change.estimate > neutral
  if (!exceeds(change, criteria.minimumEffect)) return 'changed, but less than the minimum effect'
  return isMore === criteria.moreIsBetter ? 'better' : 'worse'
}

/** A ratio counts the same both ways: half is as far from 1 as double. */
function exceeds({ kind, estimate }: Change, minimumEffect: number): boolean {
  return kind === 'difference'
    ? Math.abs(estimate) >= minimumShareEffect
    : Math.abs(Math.log(estimate)) >= Math.log(1 + minimumEffect)
}

/** A metric without its verdict. */
export type JudgedMetric = Omit<ComparedMetric, 'pValue' | 'decision'>

/** Judges all of them as one family (Holm): one false alarm among them all is as rare as `confidence` says. */
export function judge(
  metrics: readonly JudgedMetric[],
  criteria: Omit<DecisionCriteria, 'moreIsBetter'>,
): ComparedMetric[] {
  const pValues = holm(metrics.flatMap(({ change }) => (change ? [change.rawPValue] : [])))
  let next = 0
  return metrics.map((metric) => {
    if (!metric.change) return { ...metric, pValue: null, decision: null }
    const pValue = pValues[next++]!
    const decision = decide(metric.change, pValue, { ...criteria, moreIsBetter: metric.moreIsBetter })
    return { ...metric, pValue, decision }
  })
}

/** Worse if anything is worse, else better if anything is, else the strongest of what is left. */
export function verdictOf(metrics: readonly ComparedMetric[]): Decision {
  const order: readonly Decision[] = ['worse', 'better', 'changed, but less than the minimum effect']
  return (
    order.find((decision) => metrics.some((metric) => metric.decision === decision)) ??
    'no significant change'
  )
}

/** `+12.3 % (95 % interval +8.1 … +15.2 %), p 0.002`; of shares in percentage points. */
export function describeChange(change: Change, confidence = 0.95): string {
  const { low, high } = change.interval
  const unit = change.kind === 'ratio' ? '%' : 'points'
  const [estimate, from, to] = [change.estimate, low, high].map((value) =>
    signed(percentOf(change.kind, value)),
  )
  return `${estimate} ${unit} (${confidence * 100} % interval ${from} … ${to} ${unit}), ${describePValue(change.rawPValue)}`
}

export function describePValue(pValue: number): string {
  return pValue < 0.001 ? 'p < 0.001' : `p ${pValue.toPrecision(2)}`
}

/** Per cent of change of a ratio, percentage points of a difference. */
export function percentOf(kind: Change['kind'], value: number): number {
  return 100 * (kind === 'ratio' ? value - 1 : value)
}

/** With its sign; 0 has none. */
export function signed(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits)
  if (Number(text) === 0) return text
  return `${value > 0 ? '+' : '−'}${text}`
}
