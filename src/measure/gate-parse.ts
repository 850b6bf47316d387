/**
 * Gates as people write them:
 *
 *   [phase(NAME).][node(ID).][OPERATION.][service.]METRIC  < | <= | > | >= | ==  LIMIT
 *   …METRIC not worse than baseline [by 5%]
 *
 * LIMIT is a number with its unit, or `baseline`, `baseline*FACTOR`, `baseline+VALUE`, `baseline-VALUE`.
 */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import { type Metric, metricNames, moreIsBetter, parseMetric, scaleOf, unitOf } from './gate-metric.js'

export interface Gate {
  readonly expression: string
  readonly scope: GateScope
  readonly metric: Metric
  readonly condition: GateCondition
}

export interface GateScope {
  readonly phase?: string
  readonly node?: string
  readonly operation?: string
  /** Time from the send, in an open loop as well. */
  readonly service?: true
}

export type Comparison = '<=' | '>=' | '==' | '<' | '>'

export type GateCondition =
  /** Milliseconds for latencies, in [0, 1] for shares. */
  | { readonly kind: 'absolute'; readonly comparison: Comparison; readonly limit: number }
  | {
      readonly kind: 'relative'
      readonly comparison: Comparison
      readonly factor: number
      readonly offset: number
    }
  /** Significantly worse, and by more than the share, fails. */
  | { readonly kind: 'not-worse'; readonly minimumEffect: number }

export const defaultMinimumEffect = 0.05

export function needsBaseline({ condition }: Gate): boolean {
  return condition.kind !== 'absolute'
}

const remedy = [
  "Gates look like 'p99<2ms', 'get.p99.9<=5ms', 'hit_ratio>=0.9', 'node(n2).p99<1ms', 'phase(peak).errors==0',",
  "'p99<baseline*1.1', 'throughput not worse than baseline by 5%'.",
].join(' ')

/** Errors: `invalid` with a caret under what was not understood. */
export function parseGate(expression: string): Gate {
  const reader = new Reader(expression)
  const scope = parseScope(reader)
  const start = reader.skipSpaces()
  const word = reader.take(/p\d+\.\d+|[a-z]+[a-z0-9_]*/)
  const metric = word === undefined ? undefined : parseMetric(word)
  if (word === undefined || !metric) return reader.fail(`expected one of ${metricNames.join(', ')}`, start)
  if (scope.service && unitOf(metric) !== 'ms') return reader.fail(`service. goes with a time only`, start)
  const condition = reader.take(/not\b/)
    ? parseNotWorse(reader, metric, scope)
    : parseComparison(reader, { metric, word })
  if (!reader.isAtEnd()) return reader.fail('expected nothing more')
  return { expression, scope, metric, condition }
}

function parseScope(reader: Reader): GateScope {
  const scope: { -readonly [K in keyof GateScope]: GateScope[K] } = {}
  for (;;) {
    const start = reader.skipSpaces()
    const token = reader.take(/(?:node|phase)\([^)]+\)\.|[a-z][a-z0-9_-]*\.(?=[a-z])/)
    if (token === undefined) return scope
    const [, kind, inner] = /^(node|phase)\((.+)\)\.$/.exec(token) ?? []
    const field =
      kind === 'node' || kind === 'phase' ? kind : token === 'service.' ? 'service' : ('operation' as const)
    if (scope[field] !== undefined) return reader.fail(`there is a ${field} already`, start)
    if (field === 'service') scope.service = true
    else scope[field] = inner ?? token.slice(0, -1)
  }
}

/** With the name that the user gave it. */
interface NamedMetric {
  readonly metric: Metric
  readonly word: string
}

function parseComparison(reader: Reader, named: NamedMetric): GateCondition {
  const comparison = reader.take(/<=|>=|==|<|>/)
  if (comparison === undefined || !isComparison(comparison))
    return reader.fail('expected <, <=, >, >=, == or not worse than baseline')
  if (!reader.take(/baseline\b/))
    return {
      kind: 'absolute',
      comparison,
      limit: parseValue(reader, named, 'expected a number or baseline'),
    }
  const relative = { kind: 'relative' as const, comparison, factor: 1, offset: 0 }
  const operator = reader.take(/[*+-]/)
  if (operator === undefined) return relative
  if (operator === '*') return { ...relative, factor: parseNumber(reader) }
  const value = parseValue(reader, named)
  return { ...relative, offset: operator === '+' ? value : -value }
}

function isComparison(text: string): text is Comparison {
  return ['<=', '>=', '==', '<', '>'].includes(text)
}

function parseNotWorse(reader: Reader, metric: Metric, scope: GateScope): GateCondition {
  if (!reader.take(/worse\s+than\s+baseline\b/)) return reader.fail('expected worse than baseline')
  if (!hasSlices(metric, scope))
    return reader.fail(
      'this is judged second by second, and a second has throughput, p50, p99, p99.9, max, hit_ratio and error_rate of the whole run, and of a node throughput, p99, hit_ratio and error_rate',
      0,
    )
  if (!reader.take(/by\b/)) return { kind: 'not-worse', minimumEffect: defaultMinimumEffect }
  const percent = parseNumber(reader)
  if (!reader.take(/%/)) return reader.fail('expected %')
  return { kind: 'not-worse', minimumEffect: percent / 100 }
}

/** Whether the per-second series of a run holds it (series.ts). */
function hasSlices(metric: Metric, scope: GateScope): boolean {
  if (scope.operation !== undefined || scope.service) return false
  if (metric.kind === 'quantile')
    return (scope.node === undefined ? [0.5, 0.99, 0.999] : [0.99]).includes(metric.quantile)
  if (metric.kind === 'lookup') return false
  if (metric.name === 'max') return scope.node === undefined
  return ['throughput', 'hit_ratio', 'error_rate'].includes(metric.name) && metric.kind !== 'time'
}

function parseNumber(reader: Reader, expected = 'expected a number'): number {
  return Number(reader.take(/\d+(?:\.\d+)?/) ?? reader.fail(expected))
}

function parseValue(reader: Reader, { metric, word }: NamedMetric, expected?: string): number {
  const number = parseNumber(reader, expected)
  const unit = reader.take(/us|µs|ms|s|%|k|M/) ?? ''
  const scale = scaleOf(metric, unit)
  if (scale === undefined)
    return reader.fail(
      unit === ''
        ? `expected a unit (us, ms, s) after the number: ${word} is a time`
        : `${unit} does not go with ${word}${unit === '%' && !moreIsBetter(metric) ? '; a share of the baseline is baseline*1.05' : ''}`,
    )
  return number * scale
}

class Reader {
  private at = 0

  constructor(private readonly text: string) {}

  skipSpaces(): number {
    while (this.text[this.at] === ' ') this.at += 1
    return this.at
  }

  /** The token and the spaces before it; undefined leaves everything where it is. */
  take(pattern: RegExp): string | undefined {
    const [, spaces = '', token] =
      new RegExp(`^(\\s*)(${pattern.source})`).exec(this.text.slice(this.at)) ?? []
    if (token === undefined) return undefined
    this.at += spaces.length + token.length
    return token
  }

  isAtEnd(): boolean {
    return this.text.slice(this.at).trim() === ''
  }

  fail(message: string, at = this.at): never {
    const before = printable(this.text.slice(0, at))
    throw invalid(`gate: ${message}\n  ${printable(this.text)}\n  ${' '.repeat(before.length)}^`, remedy)
  }
}
