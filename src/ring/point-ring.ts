/** `ring`, the default: many points a node under an avalanche hash. A joining node takes from all, nothing moves sideways. */
import { rankLabels, sortPoints } from './arcs.js'
import { hashFunction } from './hash/named-hash.js'
import type { Placement } from './ring.js'
import type { Topology } from './topology.js'

/** Points are the hashes of `label-0` … `label-(n-1)`, n = weight × pointsPerWeight; the label defaults to the id. */
export function placePoints({ nodes, ring }: Topology): Placement {
  const hash = hashFunction(ring.hash, ring.charSign)
  const labels = nodes.map((node) => node.label ?? node.id)
  const counts = nodes.map((node) => Math.max(1, Math.round(node.weight * ring.pointsPerWeight)))
  const total = counts.reduce((sum, count) => sum + count, 0)
  const positions = new Uint32Array(total)
  const owners = new Uint16Array(total)
  let at = 0
  nodes.forEach((_, node) => {
    const text = new LabelBytes(`${labels[node]}-`)
    for (let i = 0; i < counts[node]!; i++, at++) {
      positions[at] = hash(text.bytes, 0, text.write(i))
      owners[at] = node
    }
  })
  return { kind: 'arcs', ...sortPoints(positions, owners, rankLabels(labels)) }
}

/** `prefix` followed by a number, rewritten in place: a million labels without a million strings. */
class LabelBytes {
  readonly bytes: Uint8Array
  private readonly prefixLength: number

  constructor(prefix: string) {
    const encoded = Buffer.from(prefix)
    this.prefixLength = encoded.length
    this.bytes = new Uint8Array(encoded.length + 16)
    this.bytes.set(encoded)
  }

  /** Returns the end of the text. */
  write(value: number): number {
    let digits = 1
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++
    const end = this.prefixLength + digits
    let rest = value
    for (let at = end - 1; at >= this.prefixLength; at--) {
      const next = Math.floor(rest / 10)
      this.bytes[at] = 48 + rest - next * 10
      rest = next
    }
    return end
  }
}
