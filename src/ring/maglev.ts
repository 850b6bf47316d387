/**
 * Maglev hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4).
 * The table's size is Envoy's default; its hash is xxh32 with two seeds, so tables are cachectl's own.
 */
import { rankLabels } from './arcs.js'
import { xxh32 } from './hash/xxh32.js'
import type { Placement } from './ring.js'
import type { Topology } from './topology.js'

const tableSize = 65_537
const empty = 0xffff

export function placeMaglev({ nodes }: Topology): Placement {
  const labels = nodes.map((node) => node.label ?? node.id)
  const ranks = rankLabels(labels)
  const order = nodes.map((_, node) => node).sort((a, b) => ranks[a]! - ranks[b]!)
  const permutations = labels.map((label) => {
    const bytes = Buffer.from(label)
    return {
      next: xxh32(bytes, 0, bytes.length, 0) % tableSize,
      step: (xxh32(bytes, 0, bytes.length, 1) % (tableSize - 1)) + 1,
    }
  })
  const maxWeight = Math.max(...nodes.map((node) => node.weight))
  const turnsOwed = new Float64Array(nodes.length)
  const owners = new Uint16Array(tableSize).fill(empty)
  for (let filled = 0; filled < tableSize; ) {
    for (const node of order) {
      // a node of half the weight takes every second turn
      turnsOwed[node]! += nodes[node]!.weight / maxWeight
      if (turnsOwed[node]! < 1) continue
      turnsOwed[node]! -= 1
      const permutation = permutations[node]!
      while (owners[permutation.next] !== empty)
        permutation.next = (permutation.next + permutation.step) % tableSize
      owners[permutation.next] = node
      filled += 1
      if (filled === tableSize) break
    }
  }
  return { kind: 'residues', owners }
}
