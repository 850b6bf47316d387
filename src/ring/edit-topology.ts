/** The changes an operator asks for, as new topologies. */
import { invalid } from '../errors.js'
import { formatAddress, type NodeSpec, type Topology } from './topology.js'

export function withNode(topology: Topology, node: NodeSpec): Topology {
  const address = formatAddress(node.address)
  for (const each of topology.nodes) {
    if (each.id === node.id) throw invalid(`node ${node.id} is in the ring already`, 'Choose another id.')
    if (formatAddress(each.address) === address && each.db === node.db) {
      throw invalid(`${address} is in the ring already, as node ${each.id}`)
    }
    if (each.replicas?.some((replica) => formatAddress(replica.address) === address))
      throw invalid(
        `${address} is a replica of node ${each.id}`,
        'Take it out of the `replicas` of that node, and end its replication, before it joins as a node.',
      )
  }
  return { ...topology, nodes: [...topology.nodes, node] }
}

export function withoutNode(topology: Topology, id: string): Topology {
  requireNode(topology, id)
  if (topology.nodes.length === 1)
    throw invalid(`node ${id} is the last one: its keys would have no place to go`)
  return { ...topology, nodes: topology.nodes.filter((node) => node.id !== id) }
}

/** `weights`: id → new weight. */
export function withWeights(topology: Topology, weights: ReadonlyMap<string, number>): Topology {
  for (const id of weights.keys()) requireNode(topology, id)
  const nodes = topology.nodes.map((node) => ({ ...node, weight: weights.get(node.id) ?? node.weight }))
  return { ...topology, nodes }
}

function requireNode(topology: Topology, id: string): void {
  if (topology.nodes.some((node) => node.id === id)) return
  const known = topology.nodes.map((node) => node.id).join(', ')
  throw invalid(`no node ${id} in the ring; there are ${known}`)
}
