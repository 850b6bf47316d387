/** Two runs, or two things measured in turns, side by side. What was judged comes first. */
import chalk from 'chalk'
import type { ComparedMetric, Comparison, Decision } from '../measure/comparison.js'
import { percentOf, signed } from '../measure/comparison.js'
import type { GateResult } from '../measure/gate.js'
import { printable } from '../printable.js'
import { formatMetric, renderGates } from './bench-gates.js'
import { wideColumns } from './bench-tables.js'
import { formatPercent, wrapText } from './format.js'
import { renderTable } from './table.js'

export interface ComparisonNames {
  readonly before: string
  readonly after: string
}

export function renderComparison(comparison: Comparison, names: ComparisonNames, columns: number): string {
  const { metrics, method, minimumEffect, warnings } = comparison
  const isWide = columns >= wideColumns
  const judged = metrics.filter(({ change }) => change !== null)
  const others = metrics.filter(
    (metric) => metric.change === null && metric.before !== null && metric.after !== null,
  )
  const blocks = [
    [
      chalk.bold(colour(comparison.verdict, verdictText(comparison))),
      wrapText(`before: ${printable(names.before)}, after: ${printable(names.after)}`, columns, 2),
      ...warnings.map((warning) => chalk.yellow(wrapText(`warning: ${printable(warning)}`, columns, 2))),
    ].join('\n'),
    renderJudged(judged, minimumEffect, isWide),
    renderOthers(others),
    method.map((text) => chalk.dim(wrapText(text, columns, 2))).join('\n'),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

/** Of a comparison that stands for itself. */
export function renderCompare(
  { comparison, gates, ...names }: ComparisonNames & { comparison: Comparison; gates: readonly GateResult[] },
  { columns }: { readonly columns: number },
): string {
  return [renderComparison(comparison, names, columns), renderGates(gates, columns)]
    .filter((block) => block !== '')
    .join('\n\n')
}

function verdictText({ verdict, metrics }: Comparison): string {
  const named = (decision: Decision) =>
    metrics.filter((metric) => metric.decision === decision).map(({ metric }) => printable(metric))
  const list = (names: readonly string[]) =>
    names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
  switch (verdict) {
    case 'no significant change':
      return metrics.some(({ change }) => change !== null)
        ? 'No significant change.'
        : 'Nothing could be judged.'
    case 'worse': {
      const better = named('better')
      return `Worse: ${list(named('worse'))}.${better.length > 0 ? ` Better: ${list(better)}.` : ''}`
    }
    case 'better':
      return `Better: ${list(named('better'))}.`
    case 'changed, but less than the minimum effect':
      return `Changed, but less than the minimum effect: ${list(named(verdict))}.`
    default:
      return verdict satisfies never
  }
}

function renderJudged(metrics: readonly ComparedMetric[], minimumEffect: number, isWide: boolean): string {
  if (metrics.length === 0) return ''
  const rows = metrics.map(({ metric, unit, before, after, change, pValue, decision }) => {
    const { kind, estimate, interval } = change!
    const [point, low, high] = [estimate, interval.low, interval.high].map((value) =>
      signed(percentOf(kind, value)),
    )
    return [
      printable(metric),
      formatMetric(before, unit),
      formatMetric(after, unit),
      `${point} ${kind === 'ratio' ? '%' : 'pt'}`,
      `${low} … ${high}`,
      ...(isWide ? [pValue! < 0.001 ? '< 0.001' : pValue!.toPrecision(2)] : []),
      colour(decision!, isWide ? decision! : brief(decision!, minimumEffect)),
    ]
  })
  return renderTable(
    [
      { title: '' },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'change', align: 'right' },
      { title: 'interval', align: 'right' },
      ...(isWide ? [{ title: 'p', align: 'right' as const }] : []),
      { title: '' },
    ],
    rows,
  )
}

function renderOthers(metrics: readonly ComparedMetric[]): string {
  if (metrics.length === 0) return ''
  const rows = metrics.map(({ metric, unit, before, after }) => [
    printable(metric),
    formatMetric(before, unit),
    formatMetric(after, unit),
    before ? `${signed(percentOf('ratio', after! / before))} %` : '',
  ])
  return renderTable(
    [
      { title: 'not judged' },
      { title: 'before', align: 'right' },
      { title: 'after', align: 'right' },
      { title: 'change', align: 'right' },
    ],
    rows,
  )
}

function brief(decision: Decision, minimumEffect: number): string {
  switch (decision) {
    case 'no significant change':
      return 'no change'
    case 'changed, but less than the minimum effect':
      return `< ${formatPercent(minimumEffect, 0)}`
    case 'better':
    case 'worse':
      return decision
    default:
      return decision satisfies never
  }
}

function colour(decision: Decision, text: string): string {
  if (decision === 'worse') return chalk.red(text)
  return decision === 'better' ? chalk.green(text) : text
}
