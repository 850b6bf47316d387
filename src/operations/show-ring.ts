/** What a ring looks like: shares from the maths, keys and memory from the nodes where they answer. */
import { buildRing } from '../ring/build-ring.js'
import { formatAddress, type Topology } from '../ring/topology.js'
import type { NodeFacts, NodeFactsPort } from './ports.js'

export interface ShownNode {
  readonly id: string
  readonly address: string
  readonly weight: number
  readonly zone?: string
  /** Of all positions of the ring. */
  readonly share: number
  /** Absent when the nodes were not asked. */
  readonly facts?: NodeFacts
}

export interface ShownRing {
  readonly schema: 'cachectl/ring/v1'
  readonly topology: string
  readonly ring: Topology['ring']
  readonly nodes: readonly ShownNode[]
  /** Largest share over the share that its weight deserves. */
  readonly maxOverMean: number
}

/** `port` is absent for an offline answer. */
export async function showRing(topology: Topology, port: NodeFactsPort | undefined): Promise<ShownRing> {
  const shares = buildRing(topology).shares()
  const facts = port ? await port.factsOf(topology.nodes) : undefined
  const totalWeight = topology.nodes.reduce((sum, node) => sum + node.weight, 0)
  const nodes = topology.nodes.map((node, index): ShownNode => {
    const answer = facts?.[index]
    return {
      id: node.id,
      address: formatAddress(node.address),
      weight: node.weight,
      ...(node.zone === undefined ? {} : { zone: node.zone }),
      share: shares[index]!,
      ...(answer ? { facts: answer } : {}),
    }
  })
  const maxOverMean = Math.max(...nodes.map((node) => (node.share * totalWeight) / node.weight))
  return { schema: 'cachectl/ring/v1', topology: topology.name, ring: topology.ring, nodes, maxOverMean }
}
