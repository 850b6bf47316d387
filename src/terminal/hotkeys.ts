/** The answer about hot keys for people: how it was found, the keys, what to do, and what stands around them. */
import chalk from 'chalk'
import type { HotKeysReport, ReportedKey } from '../hotkeys/report.js'
import { halfLifeMs } from '../hotkeys/trend.js'
import { printable } from '../printable.js'
import { cutMiddle } from './fit.js'
import { formatCount, formatPercent, formatSeconds, wrapText } from './format.js'
import { renderRankings } from './hotkeys-rankings.js'
import { rankOf, renderHotKeysTable } from './hotkeys-table.js'
import { renderTable } from './table.js'

export interface ScreenWidth {
  readonly columns: number
}

export function renderHotKeys(report: HotKeysReport, { columns }: ScreenWidth): string {
  const rankings = renderRankings(report.rankings, columns)
  if (report.samples === 0) {
    const nothing = report.rankings.length > 0 ? rankings : 'No traffic was seen.'
    return `${header(report, columns)}\n\n${nothing}`
  }
  const blocks = [
    header(report, columns),
    keysBlock(report, columns),
    rankings,
    goneLine(report),
    suggestions(report, columns),
    prefixes(report, columns),
    wrapText(skewText(report), columns),
    misplacedBlock(report, columns),
    failLine(report),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function header(report: HotKeysReport, columns: number): string {
  const { samples, bursts, seconds, opsPerSec, sampling, threshold } = report
  const { cost, budget, nodes } = sampling
  const sampled = nodes.filter((node) => node.samples > 0).length
  const nodeText =
    sampled === nodes.length ? count(sampled, 'node') : `${sampled} of ${count(nodes.length, 'node')}`
  const sources = [...sourceLines(nodes), ...noteLines(nodes)]
  const isRanked = report.rankings.length > 0 && bursts === 0
  const lines = isRanked
    ? [
        `${count(nodes.length, 'node')} of ${formatCount(opsPerSec)} ops/s, ranked by their servers`,
        ...sources,
      ]
    : [
        `${nodeText}, ${formatCount(samples)} commands sampled in ${count(bursts, 'burst')} ${report.gone ? 'with a half-life of' : 'over'} ${formatSeconds(report.gone ? halfLifeMs / 1000 : seconds)}, of ${formatCount(opsPerSec)} ops/s`,
        `cost ${formatPercent(cost.share, 2)} of a node's time (${cost.isMeasured ? 'measured' : 'estimated'}; budget ${formatPercent(budget)})`,
        ...sources,
        `above ${formatPercent(threshold)} of a node: ${report.certainCount} certain, ${report.possibleCount} possible`,
      ]
  return lines.map((line) => wrapText(line, columns, 2)).join('\n')
}

/** Nodes with one source for one reason share a line. */
function sourceLines(nodes: HotKeysReport['sampling']['nodes']): string[] {
  const groups = new Map<string, string[]>()
  for (const { node, source, reason } of nodes) {
    const text = `${source}: ${printable(reason)}`
    groups.set(text, [...(groups.get(text) ?? []), printable(node, 32)])
  }
  if (groups.size === 1) return [...groups.keys()].map((text) => `source ${text}`)
  return [...groups].map(([text, names]) => `source of ${names.join(', ')}: ${text}`)
}

/** How sources count, and nodes whose rate fell while they were sampled. */
function noteLines(nodes: HotKeysReport['sampling']['nodes']): string[] {
  const notes = new Set(nodes.flatMap((node) => node.notes.map((note) => printable(note))))
  const eased = nodes.filter(({ budgetPart }) => budgetPart < 1).map(({ node }) => printable(node, 32))
  return [
    ...notes,
    ...(eased.length > 0 ? [`sampled less, because its rate fell in bursts: ${eased.join(', ')}`] : []),
  ]
}

function keysBlock(report: HotKeysReport, columns: number): string {
  const bound = formatPercent(report.upperBound, 2)
  if (report.keys.length === 0)
    return `No key above ${formatPercent(report.threshold)} of its node (upper bound ${bound}).`
  const notes = [
    ...(report.keys.some(({ tie }) => tie !== undefined) ? ['= tied: their order may be chance'] : []),
    ...(report.keys.some(({ certainty }) => certainty === 'possible')
      ? [`? may be below ${formatPercent(report.threshold)}`]
      : []),
    `no other key has more than ${bound} of its node`,
  ]
  return `${renderHotKeysTable(report, columns)}\n${chalk.dim(wrapText(`${notes.join('; ')}.`, columns))}`
}

function goneLine({ gone = [] }: HotKeysReport): string {
  return gone
    .map(({ key, goneMs }) => `gone ${formatSeconds(goneMs / 1000)} ago: ${cutMiddle(key, 48)}`)
    .join('\n')
}

/** A line for each thing to do, with the reason of the hottest key; the others' are in the JSON. */
function suggestions({ keys }: HotKeysReport, columns: number): string {
  const groups = new Map<string, ReportedKey[]>()
  for (const key of keys) {
    const { action } = key.suggestion
    if (action !== 'none') groups.set(action, [...(groups.get(action) ?? []), key])
  }
  return [...groups]
    .flatMap(([action, [first, ...others]]) => {
      if (!first) return []
      const ranks = [...new Set(others.map((key) => `#${rankOf(key)}`))]
      const likewise = ranks.length === 0 ? '' : ` (likewise ${ranks.join(', ')})`
      const text = `${action}  #${rankOf(first)} ${cutMiddle(first.key, 32)}: ${printable(first.suggestion.reason)}${likewise}`
      return [wrapText(text, columns, 4)]
    })
    .join('\n')
}

function prefixes({ prefixes: found }: HotKeysReport, columns: number): string {
  if (found.length === 0) return ''
  return renderTable(
    [
      { title: 'prefix' },
      { title: 'of ring', align: 'right' },
      { title: 'without hot keys', align: 'right' },
      { title: 'keys seen', align: 'right' },
    ],
    found.map(({ prefix, share, ownShare, keyCount }) => [
      `${cutMiddle(prefix, Math.max(16, columns - 46))}*`,
      formatPercent(share),
      formatPercent(ownShare),
      formatCount(keyCount),
    ]),
  )
}

export function skewText({ skew, keys }: HotKeysReport): string {
  if (!skew) return ''
  const { node, maxOverMean, withoutHotKeys, whatIf } = skew
  const { l1, split, keyCount } = whatIf
  const explained = keys.length === 0 ? '' : `, ${withoutHotKeys.toFixed(2)} without the hot keys`
  const copies = split.map(({ places, maxOverMean: ratio }) => `${ratio.toFixed(2)} in ${places} places`)
  return (
    `Node skew (max/mean) ${maxOverMean.toFixed(2)} at ${printable(node, 32)}${explained}. What if the top ${count(keyCount, 'key')} came from L1: ` +
    `${l1.maxOverMean.toFixed(2)}, with ${formatPercent(l1.remainingLoad, 0)} of the load left; from copies: ${copies.join(', ')}.`
  )
}

function misplacedBlock({ misplaced }: HotKeysReport, columns: number): string {
  if (misplaced.nodes.length === 0) return ''
  const shares = misplaced.nodes
    .slice(0, 4)
    .map(({ node, share }) => `${printable(node, 32)} ${formatPercent(share, 2)}`)
  const lines = [
    `Asked of the wrong node (a client with an old topology?): ${shares.join(', ')} of what names keys there.`,
    ...misplaced.keys
      .slice(0, 3)
      .map(
        ({ key, node, owner }) =>
          `  ${cutMiddle(key, 40)} at ${printable(node, 32)}, owned by ${printable(owner, 32)}`,
      ),
  ]
  return lines.map((line) => wrapText(line, columns, 2)).join('\n')
}

function failLine({ failAbove }: HotKeysReport): string {
  if (!failAbove) return ''
  const limit = `--fail-above ${formatPercent(failAbove.share)}`
  return failAbove.passed
    ? `${limit}: passed, no key is certain to be above.`
    : chalk.red(`${limit}: failed, a key is certain to be above.`)
}

function count(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${Math.round(value) === 1 ? '' : 's'}`
}
