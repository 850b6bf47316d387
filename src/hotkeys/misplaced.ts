/** Keys that clients ask the wrong node for: a client with an old topology, or other rules of placement. */
import { copyPrefix } from './hot-set.js'
import type { Tally } from './tally.js'

export interface Misplaced {
  /** Of the node's commands that name keys, those for keys of other nodes. */
  readonly nodes: readonly { readonly node: string; readonly share: number }[]
  /** Most asked for first. */
  readonly keys: readonly {
    readonly name: string
    readonly node: string
    readonly owner: string
    readonly seen: number
  }[]
}

const mostKeys = 10
/** Records of our own stand on the node that they are about, but copies of a key where the ring gives their names. */
const ownPrefix = '__cachectl:'

export function misplacedKeys(tallies: readonly Tally[], owner: (name: string) => string): Misplaced {
  const nodes: { node: string; share: number }[] = []
  const keys: { name: string; node: string; owner: string; seen: number }[] = []
  for (const { node, keys: counted } of tallies) {
    let [named, wrong] = [0, 0]
    for (const { name, seen } of counted.counters()) {
      if (name.startsWith(ownPrefix) && !name.startsWith(copyPrefix)) continue
      named += seen
      const rightful = owner(name)
      if (rightful === node) continue
      wrong += seen
      keys.push({ name, node, owner: rightful, seen })
    }
    if (wrong > 0) nodes.push({ node, share: wrong / named })
  }
  keys.sort((a, b) => b.seen - a.seen)
  return { nodes: nodes.sort((a, b) => b.share - a.share), keys: keys.slice(0, mostKeys) }
}
