/** The search for the highest rate, step by step. */
import chalk from 'chalk'
import type { FindMaxOutcome, FindMaxStep } from '../operations/find-max.js'
import { printable } from '../printable.js'
import { formatCount, formatMs, formatPercent, wrapText } from './format.js'
import { renderTable } from './table.js'

const right = 'right' as const

export function renderFindMax(outcome: FindMaxOutcome, { columns }: { columns: number }): string {
  const { incomplete, interrupted, ratePerSec, steps, warnings } = outcome
  const headline =
    ratePerSec === null
      ? interrupted || incomplete
        ? chalk.yellow(`${interrupted ? 'Interrupted' : 'Ended'} before the highest rate was found.`)
        : chalk.red('No rate that was tried keeps the gates.')
      : chalk.bold(`${formatCount(ratePerSec)} requests/s is the highest rate that keeps the gates.`)
  return [
    headline,
    '',
    renderTable(
      [
        { title: '' },
        { title: 'rate', align: right },
        { title: 'achieved', align: right },
        { title: 'p50', align: right },
        { title: 'p99', align: right },
        { title: 'p99.9', align: right },
      ],
      steps.map(cells),
    ),
    ...steps.flatMap(({ ratePerSec: rate, reason }) =>
      reason === undefined
        ? []
        : [chalk.dim(wrapText(`${formatCount(rate)}/s: ${printable(reason)}`, columns, 2))],
    ),
    ...warnings.map((warning) => chalk.yellow(wrapText(`warning: ${printable(warning)}`, columns, 2))),
  ].join('\n')
}

function cells({ achievedShare, isConfirmation, latency, passed, ratePerSec }: FindMaxStep): string[] {
  const word = passed ? chalk.green('PASS') : chalk.red('FAIL')
  return [
    isConfirmation ? `${word} again, twice as long` : word,
    `${formatCount(ratePerSec)}/s`,
    formatPercent(achievedShare, 2),
    ...[latency.p50Ms, latency.p99Ms, latency.p999Ms].map((ms) => (latency.count === 0 ? '' : formatMs(ms))),
  ]
}
