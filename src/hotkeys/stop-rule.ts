/** When more samples would not change the answer. */

import type { Estimate } from './estimate.js'

const fewestBursts = 20
const shortestSpanMs = 2_000
/** Nodes with less of all commands do not keep a run from its end. */
const smallNode = 0.05

/**
 * Every share is known to 15 % of itself or is below the threshold, on each node that matters, by 20 bursts over 2 s at
 * least: traffic that comes in waves must have had the time for some. `opsPerSec`: of each node, by id.
 */
export function isSettled(estimate: Estimate, opsPerSec: ReadonlyMap<string, number>): boolean {
  const ringOps = [...opsPerSec.values()].reduce((sum, ops) => sum + ops, 0)
  const matters = (node: string) => (opsPerSec.get(node) ?? 0) >= smallNode * ringOps
  const nodes = estimate.nodes.filter(({ node }) => matters(node))
  const seen = new Set(nodes.map(({ node }) => node))
  for (const [node, ops] of opsPerSec) if (ops > 0 && matters(node) && !seen.has(node)) return false
  return (
    nodes.length > 0 &&
    nodes.every(({ bursts, spanMs }) => bursts >= fewestBursts && spanMs >= shortestSpanMs) &&
    [...estimate.open].every(([node, { undecided }]) => !matters(node) || undecided === 0)
  )
}
