/** The answer about hot keys for people: the keys, what to do, what stands around them, and how all of it was found. */
import chalk from 'chalk'
import type { HotKeysReport } from '../hotkeys/report.js'
import { printable } from '../printable.js'
import { cutMiddle } from './fit.js'
import { formatCount, formatPercent, formatSeconds, wrapText } from './format.js'
import { findingsBlock, suggestionsBlock } from './hotkeys-findings.js'
import { headerBlock, notesBlock } from './hotkeys-header.js'
import { renderRankings } from './hotkeys-rankings.js'
import { isShown, renderHotKeysTable } from './hotkeys-table.js'
import { renderTable } from './table.js'

export interface ScreenWidth {
  readonly columns: number
}

export function renderHotKeys(report: HotKeysReport, { columns }: ScreenWidth): string {
  const rankings = renderRankings(report.rankings, columns)
  const nothing = rankings === '' ? 'No traffic was seen.' : ''
  const found = [
    keysBlock(report, columns),
    failLine(report, columns),
    rankings,
    goneLines(report),
    suggestionsBlock(report, columns),
    findingsBlock(report, columns),
    prefixes(report, columns),
    wrapText(skewText(report), columns),
  ]
  return [
    headerBlock(report, columns),
    ...(report.samples === 0 ? [rankings, nothing] : found),
    notesBlock(report, columns),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

function keysBlock(report: HotKeysReport, columns: number): string {
  const bound = formatPercent(report.upperBound, 2)
  const threshold = formatPercent(report.threshold)
  if (report.keys.length === 0) return `No key above ${threshold} of its node (upper bound ${bound}).`
  const shown = report.keys.filter(isShown)
  const hidden = report.keys.length - shown.length
  const notes = [
    ...(shown.some(({ tie }) => tie !== undefined) ? ['= tied, order may be chance'] : []),
    ...(shown.some(({ certainty }) => certainty === 'possible') ? [`? may be below ${threshold}`] : []),
    ...(hidden > 0
      ? [
          `${formatCount(hidden)} possible ${hidden === 1 ? 'key was' : 'keys were'} seen too seldom to be listed`,
        ]
      : []),
    `no other key has more than ${bound} of its node`,
  ]
  const table = shown.length > 0 ? `${renderHotKeysTable(shown, columns)}\n` : ''
  return `${table}${chalk.dim(wrapText(`${notes.join('; ')}.`, columns))}`
}

function goneLines({ gone = [] }: HotKeysReport): string {
  return gone
    .map(({ key, goneMs }) => `gone ${formatSeconds(goneMs / 1000)} ago: ${cutMiddle(key, 48)}`)
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

function skewText({ skew, keys }: HotKeysReport): string {
  if (!skew) return ''
  const { node, maxOverMean, withoutHotKeys, whatIf } = skew
  const { l1, split, keyCount } = whatIf
  const explained = keys.length === 0 ? '' : `, ${withoutHotKeys.toFixed(2)} without the hot keys`
  const copies = split.map(({ places, maxOverMean: ratio }) => `${ratio.toFixed(2)} in ${places} places`)
  const top = keyCount === 1 ? 'top key' : `top ${formatCount(keyCount)} keys`
  return (
    `Node skew (max/mean) ${maxOverMean.toFixed(2)} at ${printable(node, 32)}${explained}. What if the ${top} came from L1: ` +
    `${l1.maxOverMean.toFixed(2)}, with ${formatPercent(l1.remainingLoad, 0)} of the load left; from copies: ${copies.join(', ')}.`
  )
}

function failLine({ failAbove, keys }: HotKeysReport, columns: number): string {
  if (!failAbove) return ''
  const limit = formatPercent(failAbove.share)
  if (failAbove.passed) return `--fail-above ${limit}: passed, no key is certain to be above.`
  const above = keys.filter(
    ({ certainty, nodes }) =>
      certainty === 'certain' && nodes.some((node) => node.shareLow > failAbove.share),
  )
  const names = above.slice(0, 3).map(({ key }) => cutMiddle(key, 32))
  const others = above.length > names.length ? ` and ${formatCount(above.length - names.length)} more` : ''
  return chalk.red(
    wrapText(`--fail-above ${limit}: failed, surely above: ${names.join(', ')}${others}.`, columns, 2),
  )
}
