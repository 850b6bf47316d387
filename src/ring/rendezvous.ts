/**
 * Rendezvous (highest random weight) hashing: Thaler & Ravishankar 1998, with weights by Schindelhauer & Schomaker's
 * logarithmic method. Exactly balanced in expectation, O(nodes) a look-up, nothing moves sideways.
 */
import { avalanche } from './hash/murmur.js'
import { xxh32 } from './hash/xxh32.js'
import type { Placement } from './ring.js'
import type { Topology } from './topology.js'

export function placeRendezvous({ nodes }: Topology): Placement {
  const seeds = Uint32Array.from(nodes, (node) => {
    const label = Buffer.from(node.label ?? node.id)
    return xxh32(label, 0, label.length, 0)
  })
  const weights = Float64Array.from(nodes, (node) => node.weight)
  const equal = weights.every((weight) => weight === weights[0])
  const draw = (position: number, node: number) => avalanche(position ^ seeds[node]!)
  // the logarithm is monotonic, so equal weights compare the draws themselves
  const score = equal
    ? draw
    : (position: number, node: number) =>
        -weights[node]! / Math.log((draw(position, node) + 0.5) / 4294967296)
  const before = (position: number, a: number, b: number) =>
    score(position, b) - score(position, a) || seeds[a]! - seeds[b]!
  const ownerAt = (position: number) => {
    let best = 0
    for (let node = 1; node < seeds.length; node++) if (before(position, node, best) < 0) best = node
    return best
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return {
    kind: 'function',
    ownerAt,
    shares: weights.map((weight) => weight / total),
    walk: (position) => nodes.map((_, node) => node).sort((a, b) => before(position, a, b)),
  }
}
