/** Mends drift by the rules of a change: misplaced keys go to their owners, equal second copies go, others stay. */
import type { Clock } from '../clock.js'
import type { CheckOptions } from './check-ring.js'
import { type RelocationResult, relocateKeys } from './relocate-keys.js'

export async function repairRing(
  options: CheckOptions & { readonly clock: Clock; readonly concurrency: number },
): Promise<RelocationResult> {
  const { ring, keys, clock, progress, signal, concurrency } = options
  const nodes = ring.topology.nodes.map((node) => node.id)
  await Promise.all(nodes.map((node) => keys.sweep(node)))
  return relocateKeys({ nodes, ring, keys, clock, progress, signal, concurrency, expectedKeyCount: 0 })
}
