/** Rankings that servers have made by themselves: weights, not rates. */
import chalk from 'chalk'
import type { ReportedRanking } from '../hotkeys/report.js'
import type { WeightUnit } from '../hotkeys/sampled.js'
import { printable } from '../printable.js'
import { cutMiddle } from './fit.js'
import { formatCount, formatPercent, wrapText } from './format.js'
import { grouped, noteLines } from './hotkeys-header.js'
import { type Column, renderTable } from './table.js'

const titles: Readonly<Record<WeightUnit, string>> = {
  commands: 'commands',
  'cpu-us': 'CPU µs',
  'net-bytes': 'network bytes',
  popularity: 'popularity',
}

/** A table a unit, with the keys of all nodes, as many as one node tells of. */
export function renderRankings(rankings: readonly ReportedRanking[], columns: number): string {
  const byUnit = new Map<string, ReportedRanking[]>()
  for (const each of rankings) {
    const group = `${each.source} ${each.unit}`
    byUnit.set(group, [...(byUnit.get(group) ?? []), each])
  }
  const tables = [...byUnit.values()].map((group) => tableOf(group, columns))
  const nodes = new Map(rankings.map((each) => [each.node, each]))
  const notes = grouped([...nodes.values()], ({ notes: own }) => own.map((note) => printable(note)))
  const footnotes = noteLines(notes, nodes.size).map((note) => chalk.dim(wrapText(`- ${note}`, columns, 2)))
  return [...tables, footnotes.join('\n')].filter((block) => block !== '').join('\n\n')
}

function tableOf(rankings: readonly ReportedRanking[], columns: number): string {
  const [first] = rankings
  if (!first) return ''
  const title = titles[first.unit]
  const rows = rankings
    .flatMap(({ node, keys }) => keys.map((key) => ({ node, ...key })))
    .sort((a, b) => b.weight - a.weight)
  if (rows.length === 0) return `No keys with ${title}.`
  const shown = rows.slice(0, Math.max(...rankings.map(({ keys }) => keys.length)))
  const hasShares = shown.some(({ share }) => share !== undefined)
  const head: Column[] = [
    { title: 'key' },
    { title: 'node' },
    { title, align: 'right' },
    ...(hasShares ? [{ title: 'of node', align: 'right' as const }] : []),
  ]
  return renderTable(
    head,
    shown.map(({ key, node, weight, share }) => [
      cutMiddle(key, Math.max(16, columns - 46)),
      printable(node, 16),
      formatCount(weight),
      ...(hasShares ? [share === undefined ? '' : formatPercent(share, 2)] : []),
    ]),
  )
}
