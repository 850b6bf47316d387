/** A run as it goes, on one line: the last second's figures, and p99 of the seconds before as a little chart. */
import { hitRatio } from '../measure/bench-measures.js'
import type { Series } from '../measure/series.js'
import { formatCount, formatMs, formatRatio } from './format.js'

/** Longest chart: more seconds than that tell nothing on one line. */
const longestChart = 40
const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** '' before the first second is over; never longer than `columns`. */
export function renderLive(series: Series, columns: number): string {
  const last = series.atSec.length - 1
  if (last < 0) return ''
  const atSec = series.atSec[last]!
  const seconds = atSec - (series.atSec[last - 1] ?? 0)
  const ratio = hitRatio(series.hits[last]!, series.misses[last]!)
  const errors = series.errors.reduce((sum, count) => sum + count, 0)
  const parts = [
    `${formatCount(atSec)} s`,
    `${formatCount(series.answered[last]! / Math.max(seconds, 0.001))}/s`,
    ...(ratio === null ? [] : [`hits ${formatRatio(ratio)}`]),
    ...(errors === 0 ? [] : [`${formatCount(errors)} errors`]),
    `p99 ${formatMs(series.p99Ms[last]!)}`,
  ]
  const text = parts.join('  ')
  const room = Math.min(longestChart, columns - text.length - 1)
  return room < 2 ? text.slice(0, Math.max(0, columns)) : `${text} ${chart(series.p99Ms.slice(-room))}`
}

/** From 0 to the largest: a flat line is a steady run, not a magnified one. */
function chart(values: readonly number[]): string {
  const largest = Math.max(...values)
  return values
    .map(
      (value) =>
        bars[largest === 0 ? 0 : Math.min(bars.length - 1, Math.floor((value / largest) * bars.length))],
    )
    .join('')
}
