/** A plan with what it means for the live fleet: keys and bytes per move, from counts and samples where nodes answer. */
import { type Move, type Plan, planChange } from '../plan/plan-change.js'
import type { NodeSpec, Topology } from '../ring/topology.js'
import type { NodeFacts, NodeFactsPort } from './ports.js'

export interface PreviewedMove extends Move {
  readonly expectedKeys?: number
  readonly expectedBytes?: number
}

export interface Preview {
  readonly schema: 'cachectl/plan/v1'
  readonly before: string
  readonly after: string
  readonly moves: readonly PreviewedMove[]
  readonly movedShare: number
  readonly sidewaysShare: number
  readonly exact: boolean
  /** Present when every node of the current topology answered. */
  readonly expectedKeys?: number
  readonly expectedBytes?: number
  /** Nodes that did not answer. */
  readonly problems: readonly string[]
  /** Nodes that are gone, with the share of the keyspace that is lost with them. */
  readonly lost?: Readonly<Record<string, number>>
  /** Present when the change was begun before: what has moved already stays where it is. */
  readonly resumed?: true
  /** Nodes with replicas that the change does not wait for, with how many they have. */
  readonly unawaitedReplicas?: Readonly<Record<string, number>>
}

/** `port` is absent for a plan from the topologies alone. */
export async function previewChange(
  topologies: { readonly before: Topology; readonly after: Topology },
  port: NodeFactsPort | undefined,
): Promise<Preview> {
  const plan = planChange(topologies.before, topologies.after)
  const facts = port ? await port.factsOf(topologies.before.nodes) : []
  return describePlan(plan, facts)
}

/** `facts` are those of the nodes before, in order; none when they were not asked. */
export function describePlan(plan: Plan, facts: readonly NodeFacts[], lost: readonly string[] = []): Preview {
  const { before, after, movedShare, sidewaysShare, exact } = plan
  const factsOf = new Map(before.nodes.map((node, index) => [node.id, facts[index]]))
  const shares = new Map(before.nodes.map((node, index) => [node.id, plan.sharesBefore[index]!]))
  const moves = plan.moves.map((move): PreviewedMove => {
    const answer = factsOf.get(move.source)
    const share = shares.get(move.source) ?? 0
    if (!answer?.reachable || share === 0) return move
    const expectedKeys = Math.round((answer.keyCount * move.share) / share)
    return { ...move, expectedKeys, expectedBytes: Math.round(expectedKeys * answer.keyBytes) }
  })
  const complete = moves.every((move) => move.expectedKeys !== undefined)
  const sum = (field: 'expectedKeys' | 'expectedBytes') =>
    moves.reduce((total, move) => total + (move[field] ?? 0), 0)
  return {
    schema: 'cachectl/plan/v1',
    before: before.name,
    after: after.name,
    moves,
    movedShare,
    sidewaysShare,
    exact,
    ...(complete && facts.length > 0
      ? { expectedKeys: sum('expectedKeys'), expectedBytes: sum('expectedBytes') }
      : {}),
    problems: facts.flatMap((answer) => (answer.reachable || answer.problem === '' ? [] : [answer.problem])),
    ...(lost.length > 0 ? { lost: Object.fromEntries(lost.map((id) => [id, shares.get(id) ?? 0])) } : {}),
  }
}

/** Their failover would lose what has just moved. */
export function unawaitedReplicas(
  waitReplicas: number,
  nodes: readonly NodeSpec[],
  facts: readonly NodeFacts[],
): Pick<Preview, 'unawaitedReplicas'> {
  const found = nodes.flatMap(({ id }, index): [string, number][] => {
    const answer = facts[index]
    return answer?.reachable && answer.connectedReplicas > waitReplicas
      ? [[id, answer.connectedReplicas]]
      : []
  })
  return waitReplicas > 0 || found.length === 0 ? {} : { unawaitedReplicas: Object.fromEntries(found) }
}
