/**
 * What must move from one topology to the next: pure data, computed per pair of nodes, because some rings also move
 * keys between nodes that stay ("sideways").
 */
import { refused } from '../errors.js'
import { buildRing } from '../ring/build-ring.js'
import type { Ring } from '../ring/ring.js'
import { formatAddress, type Topology } from '../ring/topology.js'
import { sweep } from './sweep.js'

export interface Move {
  /** Node ids. */
  readonly source: string
  readonly target: string
  /** Of all positions of the ring. */
  readonly share: number
  /**
   * Both nodes stay, and the move is not one that the change asks for: its source's due share of the weights did not
   * fall, or its target's did not rise.
   */
  readonly sideways: boolean
}

export interface Plan {
  readonly before: Topology
  readonly after: Topology
  /** Largest first. */
  readonly moves: readonly Move[]
  /** Share of each node of `before`, in its order. */
  readonly sharesBefore: Float64Array
  readonly movedShare: number
  readonly sidewaysShare: number
  /** false: shares were estimated on `sampleCount` positions. */
  readonly exact: boolean
  readonly sampleCount?: number
}

/** Errors: `refused` when a node keeps its id but changes its address, which is another server's data. */
export function planChange(before: Topology, after: Topology): Plan {
  refuseNewAddresses(before, after)
  const ringBefore = buildRing(before)
  const { shares, sampleCount } = sweep(ringBefore, buildRing(after))
  const moves: Move[] = []
  for (const [source, targets] of shares) {
    for (const [target, share] of targets) {
      const [from, to] = [before.nodes[source]!.id, after.nodes[target]!.id]
      if (from === to) continue
      moves.push({ source: from, target: to, share, sideways: isSideways(before, after, from, to) })
    }
  }
  moves.sort((a, b) => b.share - a.share)
  const sum = (chosen: readonly Move[]) => chosen.reduce((total, move) => total + move.share, 0)
  return {
    before,
    after,
    moves,
    sharesBefore: ringBefore.shares(),
    movedShare: sum(moves),
    sidewaysShare: sum(moves.filter((move) => move.sideways)),
    exact: sampleCount === undefined,
    ...(sampleCount === undefined ? {} : { sampleCount }),
  }
}

/** Where a key is before and after; node ids. */
export interface Router {
  sourceOf(key: Uint8Array): string
  targetOf(key: Uint8Array): string
}

export function createRouter(before: Topology, after: Topology): Router {
  const rings: readonly [Ring, Ring] = [buildRing(before), buildRing(after)]
  const owner = (ring: Ring, key: Uint8Array) => ring.topology.nodes[ring.ownerIndex(key)]!.id
  return { sourceOf: (key) => owner(rings[0], key), targetOf: (key) => owner(rings[1], key) }
}

function isSideways(before: Topology, after: Topology, source: string, target: string): boolean {
  const due = (topology: Topology, id: string) => {
    const total = topology.nodes.reduce((sum, node) => sum + node.weight, 0)
    const node = topology.nodes.find((each) => each.id === id)
    return node ? node.weight / total : undefined
  }
  const [sourceBefore, sourceAfter] = [due(before, source), due(after, source)]
  const [targetBefore, targetAfter] = [due(before, target), due(after, target)]
  if (sourceAfter === undefined || targetBefore === undefined) return false
  return !(sourceAfter < sourceBefore! && targetAfter! > targetBefore)
}

function refuseNewAddresses(before: Topology, after: Topology): void {
  const known = new Map(before.nodes.map((node) => [node.id, node]))
  for (const node of after.nodes) {
    const old = known.get(node.id)
    if (!old) continue
    const [was, is] = [
      `${formatAddress(old.address)} db ${old.db}`,
      `${formatAddress(node.address)} db ${node.db}`,
    ]
    if (was !== is) {
      throw refused(
        `node ${node.id} changes its address from ${was} to ${is}`,
        'That is another server: add it under a new id, then remove the old node.',
      )
    }
  }
}
