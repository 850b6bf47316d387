/** The whole seconds of a run, as samples: what a comparison of two runs rests on. */
import { errorRate, hitRatio, type MeasuredRun } from './bench-measures.js'
import type { Metric } from './gate-metric.js'
import type { GateScope } from './gate-parse.js'
import { median } from './statistics.js'

/** An interval shorter than this share of the usual one is the rest at the end of a phase, and left out. */
const leastWhole = 0.9

/**
 * The metric in each whole second; empty where the series does not hold it. Seconds without an answer have no latency and
 * no hit ratio.
 */
export function slicesOf({ counts }: MeasuredRun, metric: Metric, scope: GateScope): number[] {
  const { series, phases } = counts
  const columns = scope.node === undefined ? series : series.nodes[scope.node]
  if (!columns || scope.operation !== undefined || scope.service) return []
  const value = sliceValue(metric)
  if (!value) return []
  const lengths = series.atSec.map((at, index) => at - (series.atSec[index - 1] ?? 0))
  const usual = lengths.length === 0 ? 0 : median(lengths)
  return lengths.flatMap((seconds, index) => {
    if (seconds < leastWhole * usual) return []
    if (scope.phase !== undefined && phases[series.phase[index]!]?.name !== scope.phase) return []
    const found = value(columns, index, seconds)
    return found === undefined ? [] : [found]
  })
}

interface Columns {
  readonly answered: readonly number[]
  readonly hits: readonly number[]
  readonly misses: readonly number[]
  readonly errors: readonly number[]
  readonly p99Ms: readonly number[]
  readonly p50Ms?: readonly number[]
  readonly p999Ms?: readonly number[]
  readonly maxMs?: readonly number[]
}

type SliceValue = (columns: Columns, index: number, seconds: number) => number | undefined

function sliceValue(metric: Metric): SliceValue | undefined {
  const time =
    (column: 'p50Ms' | 'p99Ms' | 'p999Ms' | 'maxMs'): SliceValue =>
    (columns, index) =>
      columns.answered[index]! > 0 ? columns[column]?.[index] : undefined
  if (metric.kind === 'quantile') {
    const column = ({ 0.5: 'p50Ms', 0.99: 'p99Ms', 0.999: 'p999Ms' } as const)[String(metric.quantile)]
    return column && time(column)
  }
  if (metric.kind === 'lookup') return undefined
  switch (metric.name) {
    case 'max':
      return time('maxMs')
    case 'throughput':
      return ({ answered }, index, seconds) => answered[index]! / seconds
    case 'hit_ratio':
      return ({ hits, misses }, index) => hitRatio(hits[index]!, misses[index]!) ?? undefined
    case 'error_rate':
      return ({ errors, answered }, index) => errorRate(errors[index]!, answered[index]!)
    default:
      return undefined
  }
}
