/** twemproxy's two distributions, byte for byte (twitter/twemproxy `src/hashkit/nc_ketama.c`, `nc_modula.c`). */
import { sortPoints } from './arcs.js'
import { md5Points } from './hash/named-hash.js'
import type { Placement } from './ring.js'
import type { NodeSpec, Topology } from './topology.js'

const pointsPerServer = 160
const pointsPerHash = 4

/** The text twemproxy hashes: its explicit name, else the host alone on memcached's port, else host:port or the path. */
export function serverName(node: NodeSpec): string {
  if (node.label !== undefined) return node.label
  if (node.address.kind === 'unix') return node.address.path
  const { host, port } = node.address
  return port === 11211 ? host : `${host}:${port}`
}

/** twemproxy keeps its servers sorted by name, length first, then bytes; modula indexes and ties depend on it. */
export function serverOrder(nodes: readonly NodeSpec[]): number[] {
  const names = nodes.map((node) => Buffer.from(serverName(node)))
  return nodes
    .map((_, node) => node)
    .sort((a, b) => names[a]!.length - names[b]!.length || Buffer.compare(names[a]!, names[b]!))
}

/**
 * Points of a server: all arithmetic is float32 there, which gives 156 points instead of 160 for 25, 47, 50, … equal
 * servers. Other ketama ports compute in double and place other points.
 */
export function ketamaPointCount(weight: number, totalWeight: number, serverCount: number): number {
  const f = Math.fround
  const share = f(f(weight) / f(totalWeight))
  const digests = f(f(f(share * pointsPerServer) / 4) * f(serverCount))
  return Math.floor(f(digests + 1e-10)) * 4
}

export function placeKetama({ nodes }: Topology): Placement {
  const order = serverOrder(nodes)
  const totalWeight = nodes.reduce((sum, node) => sum + node.weight, 0)
  const positions: number[] = []
  const owners: number[] = []
  for (const node of order) {
    const { weight } = nodes[node]!
    const count = ketamaPointCount(weight, totalWeight, nodes.length)
    addKetamaPoints({
      positions,
      owners,
      node,
      name: serverName(nodes[node]!),
      digestCount: count / pointsPerHash,
    })
  }
  const ranks = new Uint16Array(nodes.length)
  order.forEach((node, rank) => {
    ranks[node] = rank
  })
  return { kind: 'arcs', ...sortPoints(Uint32Array.from(positions), Uint16Array.from(owners), ranks) }
}

/** Four little-endian points from each MD5 of `name-i`. */
export function addKetamaPoints(to: {
  positions: number[]
  owners: number[]
  node: number
  name: string
  digestCount: number
}): void {
  for (let i = 0; i < to.digestCount; i++) {
    const digest = md5Points(`${to.name}-${i}`)
    for (let point = 0; point < pointsPerHash; point++) {
      to.positions.push(digest.readUInt32LE(point * 4))
      to.owners.push(to.node)
    }
  }
}

/** Servers in order, each repeated weight times; the position's residue chooses. */
export function placeModula({ nodes }: Topology): Placement {
  const slots = serverOrder(nodes).flatMap((node) => Array<number>(nodes[node]!.weight).fill(node))
  return { kind: 'residues', owners: Uint16Array.from(slots) }
}
