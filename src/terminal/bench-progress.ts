/** One line about a load that is under way. */
import type { LoadProgress } from '../operations/ports.js'
import { formatCount } from './format.js'
import { renderLive } from './live-bench.js'

/** Of the line's meter, and the space after it. */
const meterColumns = 2

/** `columns`: of the terminal; 80 where it does not say. */
export function describeProgressOn(columns = 80): (progress: LoadProgress) => string {
  return ({ label, passedMs, answered, series }) => {
    const live = series ? renderLive(series, columns - meterColumns - label.length - 1) : ''
    if (live !== '') return `${label} ${live}`
    return `${label} ${(passedMs / 1000).toFixed(0)} s, ${formatCount(answered)} requests`
  }
}
