/** The ring of the npm package `hashring` with its defaults: 40 × 4 points a server, double arithmetic, MD5 keys. */
import { sortPoints } from './arcs.js'
import type { Placement } from './ring.js'
import { formatAddress, type Topology } from './topology.js'
import { addKetamaPoints } from './twemproxy.js'

const vnodeCount = 40

/** The label is the package's server string, `host:port`. Equal points keep the file's order there, and here. */
export function placeHashring({ nodes }: Topology): Placement {
  const totalWeight = nodes.reduce((sum, node) => sum + node.weight, 0)
  const positions: number[] = []
  const owners: number[] = []
  nodes.forEach(({ weight, label, address }, node) => {
    const digestCount = Math.floor((weight / totalWeight) * vnodeCount * nodes.length)
    addKetamaPoints({ positions, owners, node, name: label ?? formatAddress(address), digestCount })
  })
  const fileOrder = Uint16Array.from(nodes.keys())
  return { kind: 'arcs', ...sortPoints(Uint32Array.from(positions), Uint16Array.from(owners), fileOrder) }
}
