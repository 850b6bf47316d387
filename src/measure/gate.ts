/** Conditions on a result that decide the exit code: `p99<2ms`, `hit_ratio>=0.9`, `get.p999<=5ms`, `node(n2).p99<1ms`. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { BenchMeasures, Outcomes } from './bench-measures.js'
import type { LatencySummary } from './latency-histogram.js'

const latencies = {
  p50: 'p50Ms',
  p90: 'p90Ms',
  p99: 'p99Ms',
  p999: 'p999Ms',
  'p99.9': 'p999Ms',
  max: 'maxMs',
  mean: 'meanMs',
} as const
const ratios = ['hit_ratio', 'error_rate'] as const
const counts = ['throughput', 'errors', 'count'] as const
const comparisons = {
  '<=': (a: number, b: number) => a <= b,
  '>=': (a: number, b: number) => a >= b,
  '==': (a: number, b: number) => a === b,
  '<': (a: number, b: number) => a < b,
  '>': (a: number, b: number) => a > b,
} as const

type Metric = keyof typeof latencies | (typeof ratios)[number] | (typeof counts)[number]

export interface Gate {
  readonly expression: string
  readonly scope:
    | { readonly kind: 'all' }
    | { readonly kind: 'operation'; readonly name: string }
    | { readonly kind: 'node'; readonly name: string }
  readonly metric: Metric
  readonly comparison: keyof typeof comparisons
  /** Milliseconds for latencies. */
  readonly limit: number
}

export interface GateResult {
  readonly expression: string
  /** Milliseconds for latencies; null where the run has no such value. */
  readonly value: number | null
  readonly passed: boolean
}

const metricNames = [...Object.keys(latencies), ...ratios, ...counts]

/** Errors: `invalid` with a caret under what was not understood. */
export function parseGate(expression: string): Gate {
  let at = 0
  const fail = (message: string): never => {
    const shown = printable(expression)
    throw invalid(
      `gate: ${message}\n  ${shown}\n  ${' '.repeat(printable(expression.slice(0, at)).length)}^`,
      "Gates look like 'p99<2ms', 'get.p999<=5ms', 'hit_ratio>=0.9', 'node(n2).p99<1ms', 'errors==0'.",
    )
  }
  const take = (pattern: RegExp): string | undefined => {
    const [, spaces = '', token] = new RegExp(`^(\\s*)(${pattern.source})`).exec(expression.slice(at)) ?? []
    if (token === undefined) return undefined
    at += spaces.length + token.length
    return token
  }
  const node = take(/node\([^)]+\)\./)
  const op = node === undefined ? take(/(?:get|set|fill|del)\./) : undefined
  const metricStart = at
  const metric = take(/p99\.9|[a-z]+[a-z0-9_]*/)
  if (metric === undefined || !isMetric(metric)) {
    at = metricStart
    return fail(`expected one of ${metricNames.join(', ')}`)
  }
  const comparison = take(/<=|>=|==|<|>/)
  if (comparison === undefined) return fail('expected <, <=, >, >= or ==')
  const digits = take(/\d+(?:\.\d+)?/)
  if (digits === undefined) return fail('expected a number')
  const unit = take(/us|µs|ms|s|%|k/) ?? ''
  const limit =
    Number(digits) *
    (scaleOf(metric, unit) ??
      fail(
        unit
          ? `${unit} does not go with ${metric}`
          : `expected a unit (us, ms, s) after the number: ${metric} is a time`,
      ))
  if (expression.slice(at).trim() !== '') return fail('expected nothing more')
  const scope = node
    ? { kind: 'node' as const, name: node.slice(5, -2) }
    : op
      ? { kind: 'operation' as const, name: op.slice(0, -1) }
      : { kind: 'all' as const }
  return { expression, scope, metric, comparison: comparison as keyof typeof comparisons, limit }
}

function isMetric(text: string): text is Metric {
  return metricNames.includes(text)
}

function scaleOf(metric: Metric, unit: string): number | undefined {
  if (metric in latencies) return { us: 0.001, µs: 0.001, ms: 1, s: 1000 }[unit]
  if (unit === '') return 1
  if (unit === '%') return ratios.some((name) => name === metric) ? 0.01 : undefined
  return unit === 'k' && metric === 'throughput' ? 1000 : undefined
}

export function evaluateGate(gate: Gate, measures: BenchMeasures): GateResult {
  const value = measuredValue(gate, measures)
  const passed = value !== undefined && comparisons[gate.comparison](value, gate.limit)
  return { expression: gate.expression, value: value ?? null, passed }
}

/** undefined: the run has no such operation, node or value, which fails the gate. */
function measuredValue({ scope, metric }: Gate, measures: BenchMeasures): number | undefined {
  const part = partOf(scope, measures)
  if (!part) return undefined
  if (isLatency(metric)) return part.count > 0 ? part[latencies[metric]] : undefined
  switch (metric) {
    case 'count':
      return part.count
    case 'throughput':
      return scope.kind === 'all' ? measures.throughputPerSec : part.count / measures.seconds
    case 'hit_ratio':
      return part.hitRatio ?? undefined
    case 'errors':
      return part.errors
    case 'error_rate':
      return part.errors / Math.max(1, part.errors + part.count)
    default:
      return metric satisfies never
  }
}

type Part = LatencySummary & Pick<Outcomes, 'hits' | 'misses' | 'hitRatio' | 'errors'>

/** Errors and hits are known for nodes and over all; an operation shares those of the whole run. */
function partOf(scope: Gate['scope'], measures: BenchMeasures): Part | undefined {
  const { hits, misses, hitRatio, errors } = measures
  switch (scope.kind) {
    case 'node':
      return measures.nodes[scope.name]
    case 'operation': {
      const summary = measures.operations[scope.name]
      return summary && { ...summary, hits, misses, hitRatio, errors }
    }
    case 'all':
      return { ...measures.overall, hits, misses, hitRatio, errors }
    default:
      return scope satisfies never
  }
}

function isLatency(metric: Metric): metric is keyof typeof latencies {
  return metric in latencies
}
