/** Whether a run did what it was asked to do. A gate on a run that did not would judge something else. */
import { agentProblems } from './agents.js'
import type { BenchMeasures } from './bench-measures.js'

export interface Shortfall {
  /** One sentence with its figures and what to do. */
  readonly text: string
  /** Large enough to fail all gates, unless allowed. */
  readonly failsGates: boolean
}

export const leastAchievedShare = 0.99
/** Of the run's time, that the in-flight bound held due requests back. */
export const mostHeldBackShare = 0.01
export const mostSendLagP99Ms = 10

/** Of its schedule, which a closed loop has not, and of its agents. */
export function shortfalls(measures: BenchMeasures): Shortfall[] {
  const { achievedShare, offeredPerSec, heldBackSeconds, seconds, sendLag } = measures
  const found: Shortfall[] = agentProblems(measures.agents ?? [])
  if (achievedShare !== null && achievedShare < leastAchievedShare) {
    const { unsent, unanswered, late } = measures
    found.push({
      text: `${percent(achievedShare)} of the ${count(offeredPerSec ?? 0)} requests/s that were due were answered in time (${count(unsent)} not sent, ${count(unanswered)} without a reply, ${count(late)} late): ask for a lower rate, or give more connections or threads`,
      failsGates: true,
    })
  }
  const heldBackShare = seconds > 0 ? heldBackSeconds / seconds : 0
  if (heldBackSeconds > 0) {
    found.push({
      text: `the bound on requests in flight held due requests back for ${heldBackSeconds.toFixed(2)} s (${percent(heldBackShare)} of the run): their wait is in the response times; more connections or a deeper pipeline lift the bound`,
      failsGates: heldBackShare > mostHeldBackShare,
    })
  }
  // held back by the bound, a request is late through no fault of the pacer
  if (sendLag && sendLag.p99Ms > mostSendLagP99Ms && heldBackShare <= mostHeldBackShare) {
    found.push({
      text: `the generator sent late: 1 % of the requests left more than ${sendLag.p99Ms.toFixed(1)} ms after they were due; give it a free core or more threads, or ask for a lower rate`,
      failsGates: true,
    })
  }
  return found
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}
