/** The owner of each key of a load, looked up in the ring once. */
import type { Ring } from '../../ring/ring.js'
import type { LoadKeys } from './keys.js'

const unknown = 0xffff

export class OwnerCache {
  private readonly known: Uint16Array
  private readonly isAlone: boolean

  constructor(
    private readonly ring: Ring,
    private readonly keys: LoadKeys,
  ) {
    this.isAlone = ring.topology.nodes.length === 1
    this.known = new Uint16Array(this.isAlone ? 0 : keys.count).fill(unknown)
  }

  ownerOf(key: number): number {
    if (this.isAlone) return 0
    const owner = this.known[key]!
    if (owner !== unknown) return owner
    const found = this.ring.ownerIndex(this.keys.bytes(key))
    this.known[key] = found
    return found
  }
}
