/** Where the copies of a split key lie: on the nodes that follow its owner, by names that the ring gives to them. */
import { copyName } from './hot-set.js'

/** A node that owns less than a few ten-thousandths of the ring is not found by trying names. */
const maxSalt = 100_000

export interface Copy {
  readonly salt: number
  readonly node: string
}

/**
 * For each node the smallest salt whose copy it owns; ascending. undefined for none: a node owns next to nothing.
 * `ownerOf`: the ring's.
 */
export function chooseSalts(
  key: Uint8Array,
  nodes: readonly string[],
  ring: { readonly hashTag: string | undefined; readonly ownerOf: (name: Uint8Array) => string },
): Copy[] | undefined {
  const wanted = new Set(nodes)
  const copies: Copy[] = []
  for (let salt = 1; salt <= maxSalt && wanted.size > 0; salt++) {
    const node = ring.ownerOf(copyName(key, salt, ring.hashTag))
    if (wanted.delete(node)) copies.push({ salt, node })
  }
  return wanted.size === 0 ? copies : undefined
}
