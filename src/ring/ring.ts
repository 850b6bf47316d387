/** Who owns a key. One contract for every algorithm; nodes are indexes into the topology's list. */
import type { Topology } from './topology.js'

export interface Ring {
  readonly topology: Topology
  /** Index into `topology.nodes` of the owner. Keys are bytes; any bytes, also none. */
  ownerIndex(key: Uint8Array): number
  /** Owner first, then the next distinct nodes; where zones are given, distinct zones first. At most `count`. */
  replicas(key: Uint8Array, count: number): number[]
  /** Exact or estimated share of the positions per node, in the topology's order; sums to 1. */
  shares(): Float64Array
}
