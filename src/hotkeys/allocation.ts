/**
 * Which nodes get how much of their budget: Neyman's allocation (Cochran, Sampling Techniques, §5.5), samples in proportion
 * to a node's part of the traffic and the spread of what is still open there, over the root of what a sample costs.
 */

export interface NodeNeed {
  readonly opsPerSec: number
  /** Standard deviation, a sample, of the share that is known worst on this node; 0: nothing is open there. */
  readonly deviation: number
  /** Of one sample. */
  readonly costMicros: number
}

/** With less of the ring's commands a node matters little, whatever its keys. */
const smallShare = 0.05
/** A node is looked at all the time, or a key that becomes hot would not be seen. */
const least = 0.25

/** In [0.25, 1], one a node: the part of its budget that it uses. The neediest uses all. */
export function sampleRates(nodes: readonly NodeNeed[]): number[] {
  const ringOps = nodes.reduce((sum, node) => sum + node.opsPerSec, 0)
  const isSmall = (node: NodeNeed) => node.opsPerSec < smallShare * ringOps
  const wanted = nodes.map((node) =>
    isSmall(node) ? 0 : (node.opsPerSec * node.deviation) / Math.sqrt(Math.max(node.costMicros, 1e-3)),
  )
  const most = Math.max(0, ...wanted)
  return nodes.map((node, index) => {
    if (isSmall(node)) return least
    return most > 0 ? Math.max(least, wanted[index]! / most) : 1
  })
}
