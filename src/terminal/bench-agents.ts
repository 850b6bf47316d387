/** The machines that made a run together, on a line of a result. */
import { type AgentCounts, startSpreadMs } from '../measure/agents.js'
import { printable } from '../printable.js'
import { formatMs } from './format.js'

const mostNamed = 8

export function renderAgents(agents: readonly AgentCounts[]): string {
  const counted = agents.filter(({ isCounted }) => isCounted)
  const named = counted.slice(0, mostNamed).map(describe).join(', ')
  const more = counted.length > mostNamed ? ` and ${counted.length - mostNamed} more` : ''
  const spread = startSpreadMs(agents)
  const together = spread === null ? '' : `; they started within ${formatMs(spread)}`
  const count =
    counted.length === agents.length ? `${agents.length}` : `${counted.length} of ${agents.length}`
  return `${count} agents: ${named}${more}${together}.`
}

/** `web-1 (4 cores, clock +3.1 ms ±8.0 ms)`. */
function describe({ name, cores, clockOffsetMs, clockErrorMs }: AgentCounts): string {
  const sign = (clockOffsetMs ?? 0) < 0 ? '-' : '+'
  const clock =
    clockOffsetMs === null || clockErrorMs === null
      ? ''
      : `, clock ${sign}${formatMs(Math.abs(clockOffsetMs))} ±${formatMs(clockErrorMs)}`
  return `${printable(name)} (${cores} cores${clock})`
}
