/** How hot keys were found: from how many commands, at what cost, by which source, and what that source leaves out. */
import chalk from 'chalk'
import type { HotKeysReport } from '../hotkeys/report.js'
import { halfLifeMs } from '../hotkeys/trend.js'
import { printable } from '../printable.js'
import { formatCount, formatPercent, formatSeconds, wrapText } from './format.js'

type SampledNode = HotKeysReport['sampling']['nodes'][number]

/** The count of hot keys first. */
export function headerBlock(report: HotKeysReport, columns: number): string {
  const { samples, bursts, opsPerSec, sampling, threshold } = report
  const { cost, budget, nodes } = sampling
  const sampled = nodes.filter((node) => node.samples > 0).length
  const nodeText =
    sampled === nodes.length ? count(sampled, 'node') : `${sampled} of ${count(nodes.length, 'node')}`
  const isRanked = report.rankings.length > 0 && bursts === 0
  const lines = isRanked
    ? [`${count(nodes.length, 'node')}, ${formatCount(opsPerSec)} ops/s, ranked by their servers`]
    : [
        `hot keys (above ${formatPercent(threshold)} of a node): ${report.certainCount} certain, ${report.possibleCount} possible`,
        `${nodeText}, ${formatCount(opsPerSec)} ops/s; ${count(samples, 'command')} sampled in ${count(bursts, 'burst')} ${timeText(report)}`,
        ...(nodes.every(({ source }) => source === 'log')
          ? []
          : [
              `cost ${formatPercent(cost.share, 2)} of a node's time (${cost.isMeasured ? 'measured' : 'estimated'}; budget ${formatPercent(budget)})`,
            ]),
      ]
  return [...lines, ...sourceLines(nodes)].map((line) => wrapText(line, columns, 2)).join('\n')
}

function timeText({ gone, seconds }: HotKeysReport): string {
  return gone ? `(half-life ${formatSeconds(halfLifeMs / 1000)})` : `over ${formatSeconds(seconds)}`
}

/** Nodes with one source for one reason share a line. */
function sourceLines(nodes: readonly SampledNode[]): string[] {
  const groups = grouped(nodes, ({ source, reason }) => [`${source}: ${printable(reason)}`])
  if (groups.size === 1) return [...groups.keys()].map((text) => `source ${text}`)
  return [...groups].map(([text, names]) => `source of ${names.join(', ')}: ${text}`)
}

/** How sources count, and nodes whose rate fell while they were sampled. */
export function notesBlock({ sampling: { nodes } }: HotKeysReport, columns: number): string {
  const notes = grouped(nodes, (node) => node.notes.map((note) => printable(note)))
  const eased = nodes.filter(({ budgetPart }) => budgetPart < 1).map(({ node }) => printable(node, 32))
  return [
    ...noteLines(notes, nodes.length),
    ...(eased.length > 0 ? [`sampled less, because its rate fell in bursts: ${eased.join(', ')}`] : []),
  ]
    .map((line) => chalk.dim(wrapText(`- ${line}`, columns, 2)))
    .join('\n')
}

/** What does not hold for all nodes names them. */
export function noteLines(notes: ReadonlyMap<string, readonly string[]>, nodeCount: number): string[] {
  return [...notes].map(([text, names]) =>
    names.length === nodeCount ? text : `${names.join(', ')}: ${text}`,
  )
}

/** Text → the nodes that say it. */
export function grouped<N extends { readonly node: string }>(
  nodes: readonly N[],
  textsOf: (node: N) => readonly string[],
): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const each of nodes)
    for (const text of textsOf(each))
      groups.set(text, [...(groups.get(text) ?? []), printable(each.node, 32)])
  return groups
}

function count(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${Math.round(value) === 1 ? '' : 's'}`
}
