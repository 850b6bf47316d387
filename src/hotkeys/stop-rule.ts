/** When there is nothing left to learn that anybody asked for. */
import type { Estimate, EstimateOptions } from './estimate.js'

const enoughBursts = 20
const enoughMs = 2_000
const fewBursts = 5
const smallShare = 0.05
const precision = 0.15

/**
 * Every key of a node is known to 15 % of its share, or to be below the threshold; and each node was looked at often and
 * long enough to have shown its waves. A node with less than 5 % of the ring's commands is not waited for as long.
 */
export function isSettled(estimate: Estimate, { threshold, opsPerSec }: EstimateOptions): boolean {
  const ringOps = [...opsPerSec.values()].reduce((sum, ops) => sum + ops, 0)
  for (const { node, bursts, spanMs, samples } of estimate.nodes) {
    const isSmall = (opsPerSec.get(node) ?? 0) < smallShare * ringOps
    if (bursts < (isSmall ? fewBursts : enoughBursts)) return false
    // nor is one waited for that says nothing: it has no traffic
    if (isSmall || (samples === 0 && spanMs >= enoughMs)) continue
    // a key that was never seen may have three in all those samples
    if (spanMs < enoughMs || 3 / samples > threshold) return false
  }
  return estimate.candidates.every(
    ({ share, low, high }) => high < threshold || (high - low) / 2 <= precision * share,
  )
}
