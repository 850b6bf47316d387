/** Which node owns a key, by the maths alone. */
import { buildRing } from '../ring/build-ring.js'
import type { Topology } from '../ring/topology.js'

export interface LocatedKey {
  readonly key: Uint8Array
  /** Owner first; one id unless replicas were asked for. */
  readonly owners: readonly string[]
}

/** A function, because keys may come by the million: the ring is built once. */
export function keyLocator(topology: Topology, replicaCount: number): (key: Uint8Array) => LocatedKey {
  const ring = buildRing(topology)
  const idOf = (index: number) => topology.nodes[index]!.id
  if (replicaCount <= 1) return (key) => ({ key, owners: [idOf(ring.ownerIndex(key))] })
  return (key) => ({ key, owners: ring.replicas(key, replicaCount).map(idOf) })
}
