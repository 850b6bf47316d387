/** Gates with what was measured and what it was held against; reasons below, each once. */
import chalk from 'chalk'
import type { GateResult } from '../measure/gate.js'
import type { MetricUnit } from '../measure/gate-metric.js'
import { printable } from '../printable.js'
import { formatCount, formatMs, formatRatio, wrapText } from './format.js'
import { renderTable } from './table.js'

/** `columns`: of the terminal. '' where there are none. */
export function renderGates(gates: readonly GateResult[], columns: number): string {
  if (gates.length === 0) return ''
  const rows = gates.map(({ expression, value, limit, unit, passed }) => [
    passed ? chalk.green('PASS') : chalk.red('FAIL'),
    printable(expression),
    formatMetric(value, unit),
    formatMetric(limit, unit),
  ])
  const reasons = new Map<string, string[]>()
  for (const { expression, reason } of gates) {
    if (reason !== undefined) reasons.set(reason, [...(reasons.get(reason) ?? []), printable(expression)])
  }
  const lines = [...reasons].map(([reason, expressions]) => {
    const which =
      expressions.length === gates.length && gates.length > 1 ? 'all gates' : expressions.join(', ')
    return wrapText(`${which}: ${printable(reason)}`, columns, 2)
  })
  const table = renderTable(
    [
      { title: '' },
      { title: 'gate' },
      { title: 'value', align: 'right' },
      { title: 'limit', align: 'right' },
    ],
    rows,
  )
  return [table, ...lines].join('\n')
}

/** '–' for a value that is not there. */
export function formatMetric(value: number | null, unit: MetricUnit): string {
  if (value === null) return '–'
  switch (unit) {
    case 'ms':
      return formatMs(value)
    case 'share':
      return formatRatio(value)
    case 'perSec':
      return `${formatCount(value)}/s`
    case 'count':
      return formatCount(value)
    default:
      return unit satisfies never
  }
}
