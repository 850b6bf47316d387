/** What must hold on every node before the first key moves. Nothing is written here. */
import { type CachectlError, refused, unreachable } from '../errors.js'
import type { Plan } from '../plan/plan-change.js'
import type { NodeSpec } from '../ring/topology.js'
import type { NodeFacts, NodeFactsPort, ServerFacts } from './ports.js'

const maxClockSkewMs = 1_000

export interface PreflightRequest {
  readonly plan: Plan
  readonly nodes: readonly NodeSpec[]
  readonly allowEviction: boolean
  readonly waitReplicas: number
}

type Checked = { readonly node: NodeSpec; readonly facts: ServerFacts }

/** The facts of all nodes, in order. Throws everything that is wrong at once: `unreachable` or `refused`. */
export async function preflight(request: PreflightRequest, port: NodeFactsPort): Promise<NodeFacts[]> {
  const { nodes } = request
  const facts = await port.factsOf(nodes)
  requireAnswers(facts, 'Every node must answer before keys move. Nothing was changed.')
  const checked = nodes.flatMap((node, index): Checked[] => {
    const answer = facts[index]
    return answer?.reachable ? [{ node, facts: answer }] : []
  })
  const problems = [
    ...roles(checked),
    ...sameServers(checked),
    ...versions(checked),
    ...clocks(checked),
    ...memory(checked, request),
    ...replicas(checked, request.waitReplicas),
  ]
  if (problems.length > 0) throw refusal(problems)
  return facts
}

/** Throws `unreachable` with every problem and each remedy once, unless all nodes answered. */
export function requireAnswers(facts: readonly NodeFacts[], consequence: string): void {
  const silent = facts.flatMap((answer) => (answer.reachable ? [] : [answer]))
  if (silent.length === 0) return
  const remedies = new Set(silent.flatMap(({ remedy }) => remedy ?? []))
  throw unreachable(silent.map(({ problem }) => problem).join('\n'), [...remedies, consequence].join('\n'))
}

function refusal(problems: readonly string[]): CachectlError {
  return refused(problems.join('\n'), 'Nothing was changed.')
}

function roles(nodes: readonly Checked[]): string[] {
  return nodes
    .filter(({ facts }) => facts.role === 'replica')
    .map(({ node }) => `node ${node.id} is a readonly replica; name its primary in the topology`)
}

function sameServers(nodes: readonly Checked[]): string[] {
  const seen = new Map<string, string>()
  const problems: string[] = []
  for (const { node, facts } of nodes) {
    const identity = `${facts.runId} ${node.db}`
    const first = seen.get(identity)
    if (facts.runId && first !== undefined)
      problems.push(`nodes ${first} and ${node.id} are one server (its run_id says so)`)
    else seen.set(identity, node.id)
  }
  return problems
}

/** A dump is readable by the same or a later version only. Across products only the server itself can tell. */
function versions(nodes: readonly Checked[]): string[] {
  return nodes.flatMap(({ node, facts }) => {
    const newer = nodes
      .filter((other) => product(other.facts) === product(facts))
      .find((other) => compareVersions(other.facts.version, facts.version) > 0)
    if (!newer) return []
    return [
      `node ${node.id} runs ${facts.version}, older than ${newer.node.id}'s ${newer.facts.version}: it could not read its keys`,
    ]
  })
}

/** Sources too: a gate that a failover forgets would let an old epoch's write through. */
function replicas(nodes: readonly Checked[], waitReplicas: number): string[] {
  return nodes
    .filter(({ facts }) => facts.connectedReplicas < waitReplicas)
    .map(
      ({ node, facts }) =>
        `node ${node.id} has ${facts.connectedReplicas} replicas, --wait-replicas asks for ${waitReplicas}`,
    )
}

function product(facts: ServerFacts): string {
  return facts.version.split(' ')[0] ?? ''
}

/** Major and minor only: patch releases share one dump format. */
function compareVersions(a: string, b: string): number {
  const parts = (text: string) => /(\d+)\.(\d+)/.exec(text)?.slice(1, 3).map(Number) ?? [0, 0]
  const [majorA = 0, minorA = 0] = parts(a)
  const [majorB = 0, minorB = 0] = parts(b)
  return majorA - majorB || minorA - minorB
}

/** Expiry times travel as absolute times: a target whose clock is ahead would drop keys too early. */
function clocks(nodes: readonly Checked[]): string[] {
  const offsets = nodes.map(({ facts }) => facts.clockOffsetMs)
  const earliest = Math.min(...offsets)
  return nodes
    .filter(({ facts }) => facts.clockOffsetMs - earliest > maxClockSkewMs)
    .map(
      ({ node, facts }) =>
        `the clock of node ${node.id} is ${((facts.clockOffsetMs - earliest) / 1000).toFixed(1)} s ahead of another node's; synchronize them, expiry times travel with the keys`,
    )
}

function memory(nodes: readonly Checked[], { plan, allowEviction }: PreflightRequest): string[] {
  const bytesOf = new Map(nodes.map(({ node, facts }) => [node.id, facts.keyCount * facts.keyBytes]))
  const shareOf = new Map(plan.before.nodes.map((node, index) => [node.id, plan.sharesBefore[index]!]))
  const incoming = new Map<string, number>()
  for (const { source, target, share } of plan.moves) {
    const bytes = ((bytesOf.get(source) ?? 0) * share) / (shareOf.get(source) || 1)
    incoming.set(target, (incoming.get(target) ?? 0) + bytes)
  }
  return nodes.flatMap(({ node, facts }) => {
    const bytes = incoming.get(node.id) ?? 0
    if (facts.maxmemoryBytes === 0 || bytes === 0) return []
    const free = Math.max(0, facts.maxmemoryBytes - facts.usedMemoryBytes)
    const mib = (value: number) => `${(value / 2 ** 20).toFixed(1)} MiB`
    if (bytes > free && !allowEviction) {
      return [`node ${node.id} has ${mib(free)} free below its maxmemory, about ${mib(bytes)} would come`]
    }
    if (facts.evictionPolicy !== 'noeviction' && bytes * 2 > free && !allowEviction) {
      return [
        `node ${node.id} evicts (${facts.evictionPolicy}) and would be nearly full: keys could be lost; --allow-eviction accepts that`,
      ]
    }
    return []
  })
}
