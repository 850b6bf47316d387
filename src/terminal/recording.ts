/** A recording for people and as JSON. */
import type { NodeForecast, RecordOutcome } from '../operations/record-trace.js'
import { printable } from '../printable.js'
import { formatCount, formatPercent, formatSeconds } from './format.js'

export interface RecordReport extends RecordOutcome {
  readonly schema: 'cachectl/recording/v1'
  readonly topology: string
  readonly path: string
  readonly hashedKeys: boolean
  readonly interrupted: boolean
}

export function toRecordReport(
  run: { topology: string; path: string; hashedKeys: boolean },
  outcome: RecordOutcome,
): RecordReport {
  return {
    schema: 'cachectl/recording/v1',
    ...run,
    ...outcome,
    interrupted: outcome.endedBy === 'interrupted',
  }
}

/** What is known before it starts. */
export function renderForecast(forecast: readonly NodeForecast[]): string {
  const lines = forecast.map(
    ({ node, opsPerSec, cost }) =>
      `  ${printable(node)}: ${formatCount(opsPerSec)} commands/s, about ${formatPercent(cost)} of its time`,
  )
  return `MONITOR on every node slows the server down for as long as it records:\n${lines.join('\n')}`
}

export function renderRecording(report: RecordReport): string {
  const { requestCount, seconds, operationCounts, nodes, unwritableCount, lateCount, skippedCount } = report
  const mix = Object.entries(operationCounts)
    .map(([op, count]) => `${op} ${formatCount(count)}`)
    .join(', ')
  const lines = [
    `${formatCount(requestCount)} requests in ${formatSeconds(seconds)} to ${printable(report.path)}${mix ? `: ${mix}` : ''}`,
    ...nodes.map(
      ({ node, commandCount, cost }) =>
        `  ${printable(node)}: ${formatCount(commandCount)} commands; monitoring took about ${formatPercent(cost)} of its time`,
    ),
  ]
  if (skippedCount > 0)
    lines.push(
      `${formatCount(skippedCount)} commands without a key, of scripts or of other databases left out`,
    )
  if (unwritableCount > 0)
    lines.push(
      `${formatCount(unwritableCount)} requests left out: a line cannot hold their keys (line ends in them, empty, over 1 MiB); --hash-keys records them`,
    )
  if (lateCount > 0)
    lines.push(`${formatCount(lateCount)} requests came late and carry the time of the one before`)
  if (report.why) lines.push(`Ended early: ${report.why}. What was recorded until then is kept.`)
  if (report.interrupted) lines.push('Interrupted. What was recorded until then is kept.')
  return lines.join('\n')
}
