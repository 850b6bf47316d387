/**
 * The ring's numbered states, and where a command goes in each (docs/protocol.md). A change takes three epochs:
 * prepare (e+1), migrate (e+2), stable again (e+3). A value; no I/O.
 */
import { isDeepStrictEqual } from 'node:util'
import { buildRing } from './build-ring.js'
import type { NodeSpec, Topology } from './topology.js'

export type Phase = 'stable' | 'prepare' | 'migrate'

export interface RingState {
  readonly schema: 'cachectl/ring-state/v1'
  /** Only ever grows. */
  readonly epoch: number
  readonly phase: Phase
  /** Who owns keys now; while a change runs: before it. */
  readonly before: Topology
  /** Who owns keys after the change; equal to `before` when stable. */
  readonly after: Topology
  /** Ids of nodes of `before` that are gone with all they held; only while the change that removes them runs. */
  readonly lost?: readonly string[]
  /** So many replicas of a target must have a key before it leaves its source; only while a change runs. */
  readonly waitReplicas?: number
}

/** Ids of the nodes a key's commands may have to see. Equal: the key does not move. */
export interface Route {
  readonly source: string
  readonly target: string
  /** The source is gone: there is nothing to move, and nobody may use the key until all know that. */
  readonly isLost?: boolean
}

export function firstState(topology: Topology): RingState {
  return stateOf(1, 'stable', topology, topology)
}

export function prepareState(
  state: RingState,
  after: Topology,
  { lost = [], waitReplicas = 0 }: { lost?: readonly string[]; waitReplicas?: number } = {},
): RingState {
  return {
    ...stateOf(state.epoch + 1, 'prepare', state.before, after),
    ...(lost.length > 0 ? { lost } : {}),
    ...(waitReplicas > 0 ? { waitReplicas } : {}),
  }
}

export function migrateState(state: RingState): RingState {
  return { ...state, epoch: state.epoch + 1, phase: 'migrate' }
}

export function committedState(state: RingState): RingState {
  return stateOf(state.epoch + 1, 'stable', state.after, state.after)
}

/** Back to the owners before; only from prepare. The number it takes is the one that migrate would have had. */
export function abortedState(state: RingState): RingState {
  return stateOf(state.epoch + 1, 'stable', state.before, state.before)
}

function stateOf(epoch: number, phase: Phase, before: Topology, after: Topology): RingState {
  return { schema: 'cachectl/ring-state/v1', epoch, phase, before, after }
}

/** Every node that the state names and that is not lost, once each; a node's id is its identity. */
export function nodesOf({ before, after, lost = [] }: RingState): NodeSpec[] {
  const byId = new Map([...before.nodes, ...after.nodes].map((node) => [node.id, node]))
  for (const id of lost) byId.delete(id)
  return [...byId.values()]
}

/** Routes of the state; the rings are built once. */
export function createRouter(state: RingState): (key: Uint8Array) => Route {
  const before = buildRing(state.before)
  if (state.phase === 'stable') {
    return (key) => {
      const { id } = state.before.nodes[before.ownerIndex(key)]!
      return { source: id, target: id }
    }
  }
  const after = buildRing(state.after)
  const lost = new Set(state.lost)
  return (key) => {
    const source = state.before.nodes[before.ownerIndex(key)]!.id
    const target = state.after.nodes[after.ownerIndex(key)]!.id
    return lost.has(source) ? { source, target, isLost: true } : { source, target }
  }
}

/** Whether two topologies place every key on the same servers; their names may differ. */
export function sameRing(a: Topology, b: Topology): boolean {
  return isDeepStrictEqual([a.ring, a.nodes], [b.ring, b.nodes])
}
