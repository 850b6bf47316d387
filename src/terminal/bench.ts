/** A run's result for people, within 80 columns. */
import chalk from 'chalk'
import type { BenchMeasures } from '../measure/bench-measures.js'
import type { GateResult } from '../measure/gate.js'
import type { LatencySummary } from '../measure/latency-histogram.js'
import { printable } from '../printable.js'
import { formatCount, formatMs, formatPercent } from './format.js'
import { type Column, renderTable } from './table.js'

export interface RenderedBench extends Omit<BenchMeasures, 'overall'> {
  readonly latency: LatencySummary
  readonly gates: readonly GateResult[]
  readonly interrupted: boolean
  readonly seed: number
  readonly configuration: Readonly<Record<string, string | number | boolean>>
  readonly warnings: readonly string[]
}

const right = 'right' as const
const latencyColumns: Column[] = ['p50', 'p90', 'p99', 'p99.9', 'max', 'mean'].map((title) => ({
  title,
  align: right,
}))

export function renderBench(result: RenderedBench): string {
  const { configuration: c } = result
  const hits = result.hitRatio === null ? '' : `, hit ratio ${formatRatio(result.hitRatio)}`
  const errors = result.errors === 0 ? 'no errors' : chalk.red(`${formatCount(result.errors)} errors`)
  const lines = [
    ...(result.interrupted
      ? [chalk.yellow('Interrupted: this is what was measured until then; gates were not judged.'), '']
      : []),
    chalk.bold(`${formatCount(result.throughputPerSec)} requests/s${hits}, ${errors}`),
    `${c.workload}, ${formatCount(Number(c.keys))} keys, ${c.connections} connections × pipeline ${c.pipeline}, ${result.seconds.toFixed(1)} s, seed ${result.seed}`,
    '',
    renderOperations(result),
    '',
    renderNodes(result),
    ...renderErrors(result),
    '',
    chalk.dim('Service times of a closed loop: while a server stalls it waits, and counts one slow request.'),
    ...result.warnings.map((warning) => `warning: ${printable(warning)}`),
    ...renderGates(result.gates),
  ]
  return lines.join('\n')
}

function formatRatio(ratio: number): string {
  return ratio.toFixed(4)
}

function latencyCells(summary: LatencySummary): string[] {
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, meanMs } = summary
  return summary.count === 0
    ? ['', '', '', '', '', '']
    : [p50Ms, p90Ms, p99Ms, p999Ms, maxMs, meanMs].map(formatMs)
}

function renderOperations({ operations, latency }: RenderedBench): string {
  const rows = Object.entries(operations).map(([name, summary]) => [
    name,
    formatCount(summary.count),
    ...latencyCells(summary),
  ])
  if (rows.length > 1) rows.push(['all', formatCount(latency.count), ...latencyCells(latency)])
  return renderTable([{ title: 'operation' }, { title: 'count', align: right }, ...latencyColumns], rows)
}

function renderNodes({ nodes, latency }: RenderedBench): string {
  const rows = Object.entries(nodes).map(([id, node]) => [
    id,
    latency.count === 0 ? '' : formatPercent(node.count / latency.count),
    formatCount(node.count),
    node.hitRatio === null ? '' : formatRatio(node.hitRatio),
    node.count === 0 ? '' : formatMs(node.p50Ms),
    node.count === 0 ? '' : formatMs(node.p99Ms),
    formatCount(node.errors),
  ])
  return renderTable(
    [
      { title: 'node' },
      { title: 'load', align: right },
      { title: 'count', align: right },
      { title: 'hit ratio', align: right },
      { title: 'p50', align: right },
      { title: 'p99', align: right },
      { title: 'errors', align: right },
    ],
    rows,
  )
}

function renderErrors({ errorKinds }: RenderedBench): string[] {
  const kinds = Object.entries(errorKinds)
  if (kinds.length === 0) return []
  return ['', ...kinds.map(([kind, count]) => `${formatCount(count)} × ${printable(kind)}`)]
}

function renderGates(gates: readonly GateResult[]): string[] {
  if (gates.length === 0) return []
  const rows = gates.map(({ expression, value, passed }) => [
    passed ? chalk.green('PASS') : chalk.red('FAIL'),
    printable(expression),
    value === null
      ? 'no such value in this run'
      : `was ${Number(value.toPrecision(6))}${/p\d|max|mean/.test(expression) ? ' ms' : ''}`,
  ])
  return ['', renderTable([{ title: 'gate' }, { title: '' }, { title: '' }], rows)]
}
