/** The keys of one request for several, by the node that owns them. */
import type { RequestSource } from '../../workload/request-source.js'
import type { OwnerCache } from './owner-cache.js'

export class KeyGroups {
  /** Of each node the first `sizes[node]`. */
  readonly keys: readonly Uint32Array[]
  readonly sizes: Uint32Array

  constructor(nodes: number, mostKeys: number) {
    this.keys = Array.from({ length: nodes }, () => new Uint32Array(mostKeys))
    this.sizes = new Uint32Array(nodes)
  }

  divide(source: RequestSource, owners: OwnerCache): void {
    this.sizes.fill(0)
    for (let index = 0; index < source.keyCount; index++) {
      const key = source.keys[index]!
      const node = owners.ownerOf(key)
      this.keys[node]![this.sizes[node]!++] = key
    }
  }
}
