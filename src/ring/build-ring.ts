/** From a topology to its ring: the hash, the hash tag, the algorithm's placement, and the walk to replicas. */
import { createPointFinder, type PointFinder } from './arcs.js'
import { hashFunction } from './hash/named-hash.js'
import { withHashTag } from './hash-tag.js'
import { placeHashring } from './hashring.js'
import { placeJump } from './jump.js'
import { placeMaglev } from './maglev.js'
import { placePoints } from './point-ring.js'
import { placeRendezvous } from './rendezvous.js'
import type { Placement, Ring } from './ring.js'
import type { Algorithm, Topology } from './topology.js'
import { placeKetama, placeModula } from './twemproxy.js'

const positionCount = 2 ** 32

/** Pure: the same topology gives the same ring on every machine. Needs at least one node, at most 65,535. */
export function buildRing(topology: Topology): Ring {
  const { nodes, ring } = topology
  const hash = hashFunction(ring.hash, ring.charSign)
  // twemproxy does not hash an empty key part; the others do, but to hash nothing is as good as 0
  const positionOf = withHashTag(
    (bytes, start, end) => (start === end ? 0 : hash(bytes, start, end)),
    ring.hashTag,
  )
  const placement = nodes.length === 1 ? placeAlone(ring.algorithm) : place(topology)
  const { ownerAt, walk } = walkable(placement)
  return {
    topology,
    positionOf,
    ownerAt,
    ownerIndex: (key) => ownerAt(positionOf(key)),
    replicas: (key, count) => distinct(walk(positionOf(key)), topology, count),
    shares: () => sharesOf(placement, nodes.length),
    placement,
  }
}

function place(topology: Topology): Placement {
  const { algorithm } = topology.ring
  switch (algorithm) {
    case 'ring':
      return placePoints(topology)
    case 'ketama-twemproxy':
      return placeKetama(topology)
    case 'modula-twemproxy':
      return placeModula(topology)
    case 'hashring':
      return placeHashring(topology)
    case 'maglev':
      return placeMaglev(topology)
    case 'rendezvous':
      return placeRendezvous(topology)
    case 'jump':
      return placeJump(topology)
    default:
      return algorithm satisfies never
  }
}

/** One node owns everything, hashed or not; of the algorithm's kind, so that a plan to more nodes is exact. */
function placeAlone(algorithm: Algorithm): Placement {
  const owners = Uint16Array.of(0)
  if (algorithm === 'modula-twemproxy' || algorithm === 'maglev') return { kind: 'residues', owners }
  return { kind: 'arcs', ends: Uint32Array.of(0xffffffff), owners }
}

interface Walkable {
  ownerAt(position: number): number
  /** Nodes from the owner on; nodes may come again. */
  walk(position: number): Iterable<number>
}

function walkable(placement: Placement): Walkable {
  switch (placement.kind) {
    case 'arcs': {
      const { ends, owners } = placement
      return circular(owners, createPointFinder(ends))
    }
    case 'residues': {
      const { owners } = placement
      return circular(owners, (position) => position % owners.length)
    }
    case 'function':
      return placement
    default:
      return placement satisfies never
  }
}

function circular(owners: Uint16Array, find: PointFinder): Walkable {
  return {
    ownerAt: (position) => owners[find(position)]!,
    *walk(position) {
      const first = find(position)
      for (let i = 0; i < owners.length; i++) yield owners[(first + i) % owners.length]!
    },
  }
}

/** Distinct nodes in the walk's order; those whose zone is new come before those whose zone is taken. */
function distinct(candidates: Iterable<number>, { nodes }: Topology, count: number): number[] {
  const chosen: number[] = []
  const sameZone: number[] = []
  const seen = new Set<number>()
  const zones = new Set<string>()
  for (const node of candidates) {
    if (chosen.length >= count || seen.size === nodes.length) break
    if (seen.has(node)) continue
    seen.add(node)
    const zone = nodes[node]!.zone
    if (zone !== undefined && zones.has(zone)) {
      sameZone.push(node)
    } else {
      chosen.push(node)
      if (zone !== undefined) zones.add(zone)
    }
  }
  return [...chosen, ...sameZone].slice(0, count)
}

function sharesOf(placement: Placement, nodeCount: number): Float64Array {
  const shares = new Float64Array(nodeCount)
  switch (placement.kind) {
    case 'arcs': {
      const { ends, owners } = placement
      let last = ends[ends.length - 1]! - positionCount
      ends.forEach((end, point) => {
        shares[owners[point]!]! += (end - last) / positionCount
        last = end
      })
      return shares
    }
    case 'residues': {
      const { owners } = placement
      const whole = Math.floor(positionCount / owners.length)
      const rest = positionCount % owners.length
      owners.forEach((node, residue) => {
        shares[node]! += (whole + (residue < rest ? 1 : 0)) / positionCount
      })
      return shares
    }
    case 'function':
      return placement.shares
    default:
      return placement satisfies never
  }
}
