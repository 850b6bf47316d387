/**
 * Who owns a key. A key's bytes give a 32-bit position, and the position alone gives the owner: every algorithm obeys
 * this, and it is what makes a plan computable. Nodes are indexes into the topology's list.
 */
import type { Topology } from './topology.js'

export interface Ring {
  readonly topology: Topology
  /** Where a key hashes, after the hash tag's rule. Keys are bytes; any bytes, also none. */
  positionOf(key: Uint8Array): number
  /** Index into `topology.nodes` of the node that owns a position. */
  ownerAt(position: number): number
  /** Index into `topology.nodes` of the key's owner. */
  ownerIndex(key: Uint8Array): number
  /** Owner first, then the next distinct nodes, those of a zone not seen yet before the others. At most `count`. */
  replicas(key: Uint8Array, count: number): number[]
  /** Share of the 2^32 positions per node, in the topology's order; sums to 1. Exact unless `placement` is a function. */
  shares(): Float64Array
  readonly placement: Placement
}

/** How positions map to owners; what an algorithm has to bring. */
export type Placement =
  /** Arcs: `ends` ascending; position p belongs to the first end ≥ p, past the last one to the first. */
  | { readonly kind: 'arcs'; readonly ends: Uint32Array; readonly owners: Uint16Array }
  /** Residues: position p belongs to `owners[p % owners.length]`. */
  | { readonly kind: 'residues'; readonly owners: Uint16Array }
  /** Anything else. `shares` are the expected ones; `walk` starts with the owner and visits candidates in order. */
  | {
      readonly kind: 'function'
      readonly ownerAt: (position: number) => number
      readonly shares: Float64Array
      readonly walk: (position: number) => Iterable<number>
    }
