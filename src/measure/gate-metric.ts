/** What a gate can judge: the metrics' names, their units, and which direction is worse. */

export type Metric =
  | { readonly kind: 'quantile'; readonly quantile: number }
  | { readonly kind: 'time'; readonly name: 'max' | 'mean' }
  | { readonly kind: 'rate'; readonly name: 'throughput' | 'offered' }
  | { readonly kind: 'share'; readonly name: 'hit_ratio' | 'error_rate' | 'achieved' }
  | {
      readonly kind: 'count'
      readonly name: 'errors' | 'moved' | 'wrong' | 'stale' | 'count' | 'evicted'
    }

/** What a value is measured in. */
export type MetricUnit = 'ms' | 'share' | 'perSec' | 'count'

const named: Readonly<Record<string, Metric>> = {
  max: { kind: 'time', name: 'max' },
  mean: { kind: 'time', name: 'mean' },
  throughput: { kind: 'rate', name: 'throughput' },
  offered: { kind: 'rate', name: 'offered' },
  achieved: { kind: 'share', name: 'achieved' },
  hit_ratio: { kind: 'share', name: 'hit_ratio' },
  error_rate: { kind: 'share', name: 'error_rate' },
  errors: { kind: 'count', name: 'errors' },
  moved: { kind: 'count', name: 'moved' },
  wrong: { kind: 'count', name: 'wrong' },
  stale: { kind: 'count', name: 'stale' },
  count: { kind: 'count', name: 'count' },
  evicted: { kind: 'count', name: 'evicted' },
}

export const metricNames = ['p50 … p99.99', ...Object.keys(named)]

/** undefined: there is no such metric. */
export function parseMetric(text: string): Metric | undefined {
  if (Object.hasOwn(named, text)) return named[text]
  const [, whole, fraction] = /^p([1-9]\d*)(?:\.(\d{1,2}))?$/.exec(text) ?? []
  if (whole === undefined || (whole.length > 2 && (fraction !== undefined || !whole.startsWith('99'))))
    return undefined
  // p999 is what people write for p99.9
  const percent = Number(
    whole.length > 2 ? `${whole.slice(0, 2)}.${whole.slice(2)}` : `${whole}.${fraction ?? 0}`,
  )
  return percent <= 99.99 ? { kind: 'quantile', quantile: Number((percent / 100).toFixed(6)) } : undefined
}

export function unitOf(metric: Metric): MetricUnit {
  switch (metric.kind) {
    case 'quantile':
    case 'time':
      return 'ms'
    case 'rate':
      return 'perSec'
    case 'share':
      return 'share'
    case 'count':
      return 'count'
    default:
      return metric satisfies never
  }
}

/** The factor from a written unit to the metric's own; undefined: they do not go together. */
export function scaleOf(metric: Metric, unit: string): number | undefined {
  const units: Record<MetricUnit, Readonly<Record<string, number>>> = {
    ms: { us: 0.001, µs: 0.001, ms: 1, s: 1000 },
    perSec: { '': 1, k: 1000, M: 1_000_000 },
    share: { '': 1, '%': 0.01 },
    count: { '': 1 },
  }
  return units[unitOf(metric)][unit]
}

export function moreIsBetter(metric: Metric): boolean {
  if (metric.kind === 'rate') return true
  return 'name' in metric && ['hit_ratio', 'achieved', 'count'].includes(metric.name)
}

/** A value for other programs' logs, with its unit. */
export function describeValue(value: number, unit: MetricUnit): string {
  const rounded = Number(value.toPrecision(6))
  switch (unit) {
    case 'ms':
      return `${rounded} ms`
    case 'perSec':
      return `${rounded}/s`
    case 'share':
    case 'count':
      return String(rounded)
    default:
      return unit satisfies never
  }
}
