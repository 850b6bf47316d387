/** A run's result for people: the figures first, then what they rest on, what limits them, and whether the gates hold. */
import chalk from 'chalk'
import type { BenchResult } from '../measure/bench-result.js'
import { leastAchievedShare } from '../measure/trust.js'
import { printable } from '../printable.js'
import { renderAgents } from './bench-agents.js'
import { renderCache } from './bench-cache.js'
import { renderComparison } from './bench-comparison.js'
import { renderGates } from './bench-gates.js'
import { renderNodes, renderOperations, renderPhases } from './bench-tables.js'
import { formatCount, formatMs, formatPercent, formatRatio, wrapText } from './format.js'

export interface ScreenSize {
  /** Of the terminal; 80 where there is none. */
  readonly columns: number
}

export function renderBench(result: BenchResult, { columns }: ScreenSize = { columns: 80 }): string {
  const wrap = (text: string) => wrapText(text, columns, 2)
  const blocks = [
    result.interrupted
      ? chalk.yellow(wrap('Interrupted: this is what was measured until then; gates were not judged.'))
      : '',
    [renderHeadline(result), ...renderSchedule(result, columns), wrap(renderConfiguration(result))].join(
      '\n',
    ),
    renderOperations(result, columns),
    renderNodes(result, columns),
    renderPhases(result, columns),
    [...renderErrors(result), ...renderVerified(result)].join('\n'),
    renderCache(result, columns),
    renderSource(result, columns),
    [
      ...renderMeaning(result).map((line) => chalk.dim(wrap(line))),
      ...(result.agents ? [wrap(renderAgents(result.agents))] : []),
      ...(result.bottleneck ? [wrap(`Bottleneck: ${printable(result.bottleneck.reason)}.`)] : []),
      ...result.warnings.map((warning) => chalk.yellow(wrap(`warning: ${printable(warning)}`))),
    ].join('\n'),
    result.comparison
      ? renderComparison(result.comparison, { before: 'the baseline', after: 'this run' }, columns)
      : '',
    renderGates(result.gates, columns),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function renderHeadline(result: BenchResult): string {
  const hits = result.hitRatio === null ? '' : `, hit ratio ${formatRatio(result.hitRatio)}`
  const errors = result.errors === 0 ? 'no errors' : chalk.red(`${formatCount(result.errors)} errors`)
  return chalk.bold(`${formatCount(result.throughputPerSec)} requests/s${hits}, ${errors}`)
}

/** How an open loop kept its schedule. */
function renderSchedule(result: BenchResult, columns: number): string[] {
  const { mode, offeredPerSec, achievedShare, unsent, unanswered, late, sendLag } = result
  if (mode === 'closed' || achievedShare === null) return []
  const done = `${formatCount(offeredPerSec ?? 0)}/s offered, ${formatPercent(achievedShare, 2)} of it achieved`
  const lost = [
    ...(unsent > 0 ? [`${formatCount(unsent)} not sent`] : []),
    ...(unanswered > 0 ? [`${formatCount(unanswered)} without a reply`] : []),
    ...(late > 0 ? [`${formatCount(late)} late`] : []),
  ]
  const lag = sendLag ? [`send lag p50 ${formatMs(sendLag.p50Ms)}, p99 ${formatMs(sendLag.p99Ms)}`] : []
  const line = wrapText([[done, ...lost].join(', '), ...lag].join('; '), columns, 2)
  return [achievedShare < leastAchievedShare ? chalk.red(line) : line]
}

function renderConfiguration({ configuration: c, seconds, seed }: BenchResult): string {
  const parts = [
    printable(String(c.workload ?? '')),
    c.keys === undefined ? '' : `${formatCount(Number(c.keys))} keys`,
    c.connections === undefined
      ? ''
      : `${formatCount(Number(c.connections))} ${c.strategy === undefined ? 'connections' : 'callers'} × pipeline ${c.pipeline ?? 1}`,
    `${seconds.toFixed(1)} s`,
    `seed ${seed}`,
  ]
  return parts.filter((part) => part !== '').join(', ')
}

function renderErrors({ errorKinds }: BenchResult): string[] {
  return Object.entries(errorKinds).map(([kind, count]) => `${formatCount(count)} × ${printable(kind)}`)
}

function renderVerified({ verified }: BenchResult): string[] {
  if (!verified) return []
  const { values, wrong, stale } = verified
  const bad = `${formatCount(wrong)} wrong, ${formatCount(stale)} stale`
  return [`${formatCount(values)} values verified: ${wrong + stale === 0 ? bad : chalk.red(bad)}`]
}

function renderSource({ source }: BenchResult, columns: number): string {
  if (!source) return ''
  const perMiss = source.loadsPerMiss === null ? '' : ` (${source.loadsPerMiss.toFixed(2)} a miss)`
  return wrapText(
    [
      `source of truth: ${formatCount(source.loads)} loads${perMiss}`,
      `${formatCount(source.duplicateLoads)} of a key already loading`,
      `at most ${formatCount(source.maxUnderWay)} at once`,
      `load p50 ${formatMs(source.loading.p50Ms)} p99 ${formatMs(source.loading.p99Ms)}`,
      `of it queueing p99 ${formatMs(source.queueing.p99Ms)}`,
    ].join(', '),
    columns,
    2,
  )
}

function renderMeaning({ mode, generator }: BenchResult): string[] {
  const noise =
    generator.hostNoise.p999Ms > 0
      ? [
          `This host stalled a thread that did nothing by ${formatMs(Math.min(generator.hostNoise.p999Ms, generator.hostNoise.maxMs))} at p99.9, ${formatMs(generator.hostNoise.maxMs)} at most: tails shorter than that are its own.`,
        ]
      : []
  const meaning =
    mode === 'open'
      ? 'Response times run from when a request was due; service times from its send, and hide what waited before.'
      : 'Service times of a closed loop: while a server stalls it waits, and counts one slow request.'
  return [meaning, ...noise]
}
