/** One line about a load that is under way. */
import type { LoadProgress } from '../operations/ports.js'
import { formatCount } from './format.js'

export function describeProgress({ label, passedMs, answered }: LoadProgress): string {
  return `${label} ${(passedMs / 1000).toFixed(0)} s, ${formatCount(answered)} requests`
}
