/** What a gate can judge: the metrics' names, their units, and which direction is worse. */

export type Metric =
  | { readonly kind: 'quantile'; readonly quantile: number }
  | { readonly kind: 'time'; readonly name: 'max' | 'mean' }
  | { readonly kind: 'rate'; readonly name: 'throughput' | 'offered' }
  | { readonly kind: 'share'; readonly name: 'hit_ratio' | 'error_rate' | 'achieved' }
  /** Of a run through the cache library. */
  | { readonly kind: 'cache-share'; readonly name: CacheShare }
  | { readonly kind: 'cache-count'; readonly name: CacheCount }
  | { readonly kind: 'lookup'; readonly quantile: number }
  | {
      readonly kind: 'count'
      readonly name: 'errors' | 'moved' | 'wrong' | 'stale' | 'count' | 'evicted'
    }

export type CacheShare = 'l1_hit_ratio' | 'l2_hit_ratio' | 'no_wait_ratio' | 'loads_per_miss'
export type CacheCount = 'loads' | 'duplicate_loads' | 'late_stale' | 'detours' | 'waits'

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
  l1_hit_ratio: { kind: 'cache-share', name: 'l1_hit_ratio' },
  l2_hit_ratio: { kind: 'cache-share', name: 'l2_hit_ratio' },
  no_wait_ratio: { kind: 'cache-share', name: 'no_wait_ratio' },
  loads_per_miss: { kind: 'cache-share', name: 'loads_per_miss' },
  loads: { kind: 'cache-count', name: 'loads' },
  duplicate_loads: { kind: 'cache-count', name: 'duplicate_loads' },
  late_stale: { kind: 'cache-count', name: 'late_stale' },
  detours: { kind: 'cache-count', name: 'detours' },
  waits: { kind: 'cache-count', name: 'waits' },
  l2_p50: { kind: 'lookup', quantile: 0.5 },
  l2_p99: { kind: 'lookup', quantile: 0.99 },
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
    case 'lookup':
      return 'ms'
    case 'rate':
      return 'perSec'
    case 'share':
    case 'cache-share':
      return 'share'
    case 'count':
    case 'cache-count':
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

const betterWhenMore: ReadonlySet<string> = new Set([
  'hit_ratio',
  'achieved',
  'count',
  'l1_hit_ratio',
  'l2_hit_ratio',
  'no_wait_ratio',
])

export function moreIsBetter(metric: Metric): boolean {
  if (metric.kind === 'rate') return true
  return 'name' in metric && betterWhenMore.has(metric.name)
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
