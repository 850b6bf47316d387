/** The machines that made a run together, as its result names them, and what is to be said about them. */

export interface AgentCounts {
  readonly name: string
  readonly cores: number
  /** Version of Node. */
  readonly node: string
  /** Its clock minus the coordinator's, and by how much that may be wrong; null: the run had not come so far. */
  readonly clockOffsetMs: number | null
  readonly clockErrorMs: number | null
  /** When it began, after the time that was agreed; null: it had not begun, or did not say. */
  readonly startLagMs: number | null
  /** null: it was there until the end. Else what became of it, in words. */
  readonly lost: string | null
  /** false: what it had counted is not in the result. */
  readonly isCounted: boolean
}

/** The time between the first start and the last one, with what the clocks may be wrong by; null: fewer than two. */
export function startSpreadMs(agents: readonly AgentCounts[]): number | null {
  const starts = agents.flatMap(({ startLagMs, clockErrorMs, isCounted }) =>
    isCounted && startLagMs !== null && clockErrorMs !== null
      ? [{ from: startLagMs - clockErrorMs, to: startLagMs + clockErrorMs }]
      : [],
  )
  if (starts.length < 2) return null
  return Math.max(...starts.map(({ to }) => to)) - Math.min(...starts.map(({ from }) => from))
}

const mostSpreadMs = 250

/** `failsGates`: the run was not the one that was asked for. */
export function agentProblems(agents: readonly AgentCounts[]): { text: string; failsGates: boolean }[] {
  const lost = agents
    .filter((agent) => agent.lost !== null)
    .map(({ name, lost: why, isCounted }) => ({
      text: `agent ${name} was lost: ${why}; ${isCounted ? 'what it had counted is in the result' : 'what it had counted is missing, and so is its load from then on'}`,
      failsGates: true,
    }))
  const spread = startSpreadMs(agents)
  const apart =
    spread !== null && spread > mostSpreadMs
      ? [
          {
            text: `the agents started up to ${Math.round(spread)} ms apart: the first and the last second are not everybody's`,
            failsGates: false,
          },
        ]
      : []
  const versions = [...new Set(agents.map(({ node }) => node))]
  const mixed =
    versions.length > 1
      ? [{ text: `the agents run different versions of Node: ${versions.join(', ')}`, failsGates: false }]
      : []
  return [...lost, ...apart, ...mixed]
}
