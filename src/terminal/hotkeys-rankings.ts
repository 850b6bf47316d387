/** Rankings that servers have made by themselves: weights, not rates. */
import type { ReportedRanking } from '../hotkeys/report.js'
import type { WeightUnit } from '../hotkeys/sampled.js'
import { printable } from '../printable.js'
import { cutMiddle } from './fit.js'
import { formatCount, formatPercent, wrapText } from './format.js'
import { renderTable } from './table.js'

const titles: Readonly<Record<WeightUnit, string>> = {
  commands: 'commands',
  'cpu-us': 'CPU µs',
  'net-bytes': 'network bytes',
  popularity: 'popularity, not rate',
}

export function renderRankings(rankings: readonly ReportedRanking[], columns: number): string {
  return rankings
    .map(({ node, source, unit, keys, notes }) => {
      const head = `${printable(node, 32)}, ranked by its server (${source}):`
      const table =
        keys.length === 0
          ? 'no keys'
          : renderTable(
              [
                { title: 'key' },
                { title: titles[unit], align: 'right' },
                { title: 'of node', align: 'right' },
              ],
              keys.map(({ key, weight, share }) => [
                cutMiddle(key, Math.max(16, columns - 40)),
                formatCount(weight),
                share === undefined ? '' : formatPercent(share, 2),
              ]),
            )
      return [head, table, ...notes.map((note) => wrapText(`- ${printable(note)}`, columns, 2))].join('\n')
    })
    .join('\n\n')
}
