/** Tables of a run: operations, nodes, phases. Narrow ones fit 80 columns; wide ones show more quantiles. */
import chalk from 'chalk'
import type { BenchMeasures, TimedSummary } from '../measure/bench-measures.js'
import type { LatencySummary } from '../measure/latency-histogram.js'
import { printable } from '../printable.js'
import { formatBytes, formatCount, formatMs, formatPercent, formatRatio, formatSeconds } from './format.js'
import { type Column, renderTable } from './table.js'

export type RenderedMeasures = Omit<BenchMeasures, 'overall'> & { readonly latency: TimedSummary }

/** From here on there is room for more columns. */
export const wideColumns = 120

const longestName = 16
const longestPhaseName = 12

function right(...titles: string[]): Column[] {
  return titles.map((title) => ({ title, align: 'right' as const }))
}

interface Quantile {
  readonly title: string
  readonly of: (summary: LatencySummary) => number
}

const p50: Quantile = { title: 'p50', of: ({ p50Ms }) => p50Ms }
const p90: Quantile = { title: 'p90', of: ({ p90Ms }) => p90Ms }
const p95: Quantile = { title: 'p95', of: ({ p95Ms }) => p95Ms }
const p99: Quantile = { title: 'p99', of: ({ p99Ms }) => p99Ms }
const p999: Quantile = { title: 'p99.9', of: ({ p999Ms }) => p999Ms }
const p9999: Quantile = { title: 'p99.99', of: ({ p9999Ms }) => p9999Ms }
const max: Quantile = { title: 'max', of: ({ maxMs }) => maxMs }
const mean: Quantile = { title: 'mean', of: ({ meanMs }) => meanMs }

/** In an open loop each operation has two lines: response time, and service time below it. */
export function renderOperations(run: RenderedMeasures, columns: number): string {
  const isOpen = run.mode === 'open'
  const isWide = columns >= wideColumns
  const quantiles = isWide
    ? [p50, p90, p95, p99, p999, p9999, max, mean]
    : isOpen
      ? [p50, p90, p99, p999, max]
      : [p50, p90, p99, p999, max, mean]
  const cells = (summary: LatencySummary) =>
    quantiles.map(({ of }) => (summary.count === 0 ? '' : formatMs(of(summary))))
  const line = (name: string, perSec: number, summary: TimedSummary): string[][] => {
    const start = [shorten(name), formatCount(summary.count), ...(isWide ? [formatCount(perSec)] : [])]
    if (!summary.service) return [[...start, ...cells(summary)]]
    return [
      [...start, 'response', ...cells(summary)],
      [...start.map(() => ''), 'service', ...cells(summary.service)].map((cell) => chalk.dim(cell)),
    ]
  }
  const rows = Object.entries(run.operations).flatMap(([name, summary]) =>
    line(name, summary.throughputPerSec, summary),
  )
  if (Object.keys(run.operations).length > 1) rows.push(...line('all', run.throughputPerSec, run.latency))
  return renderTable(
    [
      { title: 'operation' },
      ...right('count', ...(isWide ? ['per s'] : [])),
      ...(isOpen ? [{ title: 'time' }] : []),
      ...right(...quantiles.map(({ title }) => title)),
    ],
    rows,
  )
}

export function renderNodes(run: RenderedMeasures, columns: number): string {
  const isWide = columns >= wideColumns
  const isOpen = run.mode === 'open'
  const nodes = Object.entries(run.nodes)
  const evicts = nodes.some(([, { evicted }]) => evicted !== null && (isWide || evicted > 0))
  const known = isWide && nodes.some(([, { usedMemoryBytes }]) => usedMemoryBytes !== null)
  const quantiles = isWide ? [p50, p99, p999, max] : isOpen ? [p99] : [p50, p99]
  const time = (summary: LatencySummary | undefined, { of }: Quantile) =>
    summary === undefined || summary.count === 0 ? '' : formatMs(of(summary))
  const rows = nodes.map(([id, node]) => [
    shorten(id),
    run.latency.count === 0 ? '' : formatPercent(node.count / run.latency.count),
    formatCount(node.count),
    formatRatio(node.hitRatio),
    ...quantiles.map((quantile) => time(node, quantile)),
    ...(isOpen ? [time(node.service, p99)] : []),
    node.errors === 0 ? '0' : chalk.red(formatCount(node.errors)),
    ...(evicts ? [node.evicted === null ? '' : formatCount(node.evicted)] : []),
    ...(known ? [node.usedMemoryBytes === null ? '' : formatBytes(node.usedMemoryBytes)] : []),
  ])
  return renderTable(
    [
      { title: 'node' },
      ...right('load', 'count', 'hit ratio', ...quantiles.map(({ title }) => title)),
      ...right(...(isOpen ? ['service p99'] : []), 'errors'),
      ...right(...(evicts ? ['evicted'] : []), ...(known ? ['memory'] : [])),
    ],
    rows,
  )
}

/** '' where there is only one. */
export function renderPhases(run: RenderedMeasures, columns: number): string {
  if (run.phases.length < 2) return ''
  const isOpen = run.mode === 'open'
  const quantiles = columns >= wideColumns ? [p50, p90, p99, p999, max] : isOpen ? [p99] : [p50, p99]
  const rows = run.phases.map((phase) => [
    shorten(phase.name, columns >= wideColumns ? longestName : longestPhaseName),
    formatSeconds(phase.seconds),
    ...(isOpen ? [formatCount(phase.offeredPerSec ?? 0)] : []),
    formatCount(phase.throughputPerSec),
    ...(isOpen ? [phase.achievedShare === null ? '' : formatPercent(phase.achievedShare)] : []),
    formatRatio(phase.hitRatio),
    ...quantiles.map(({ of }) => (phase.count === 0 ? '' : formatMs(of(phase)))),
    phase.errors === 0 ? '0' : chalk.red(formatCount(phase.errors)),
  ])
  return renderTable(
    [
      { title: 'phase' },
      ...right('time', ...(isOpen ? ['offered/s', 'done/s', 'achieved'] : ['done/s']), 'hit ratio'),
      ...right(...quantiles.map(({ title }) => title), 'errors'),
    ],
    rows,
  )
}

function shorten(name: string, longest = longestName): string {
  const text = printable(name)
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}
