/**
 * Keys that left not long ago, by hash: a queue that also finds. Places of a ring are linked into chains by hash, the
 * latest first, as in the window of an LZ77 coder. Who is overwritten needs no unlinking: along a chain ages only grow,
 * so a link that leads to a younger place is an old one, and the chain ends there. About 12 bytes a hash.
 * Keys whose 32 bits agree are taken for each other: one is then admitted better than it deserved, nothing else.
 */
export interface Ghost {
  /** A hash that is not held. */
  add(hash: number): void
  /** Whether the hash was held; it is no longer. */
  take(hash: number): boolean
}

/** Remembers the latest `size` hashes. */
export function createGhost(size: number): Ghost {
  // those that are taken leave gaps, which are closed when all places are used: at most five steps for each that is added
  const placeCount = size + Math.ceil(size / 4)
  let chainCount = 1
  while (3 * chainCount < placeCount) chainCount *= 2
  /** Place + 1 of the latest of each chain; 0: none. */
  const latest = new Uint32Array(chainCount)
  /** Of each place the hash, 0 where it is empty, and then place + 1 of the one before it in its chain. */
  const places = new Uint32Array(2 * placeCount)
  let next = 0
  /** Places from the oldest to the next. */
  let span = 0
  let heldCount = 0

  const append = (hash: number) => {
    const chain = hash & (chainCount - 1)
    places[2 * next] = hash
    places[2 * next + 1] = latest[chain]!
    next += 1
    latest[chain] = next
    if (next === placeCount) next = 0
    span += 1
    heldCount += 1
  }
  const dropOldest = () => {
    const oldest = next >= span ? next - span : next - span + placeCount
    if (places[2 * oldest] !== 0) heldCount -= 1
    places[2 * oldest] = 0
    span -= 1
  }
  /** When all places are used, the next is the oldest. */
  const closeGaps = () => {
    const inOrder = [places.slice(2 * next), places.slice(0, 2 * next)]
    places.fill(0)
    latest.fill(0)
    next = 0
    span = 0
    heldCount = 0
    for (const part of inOrder)
      for (let at = 0; at < part.length; at += 2) if (part[at] !== 0) append(part[at]!)
  }

  return {
    add(hash) {
      if (size === 0) return
      if (span === placeCount) closeGaps()
      append(hash || 1)
      while (heldCount > size) dropOldest()
    },
    take(hash) {
      const wanted = hash || 1
      let age = 0
      for (let link = latest[wanted & (chainCount - 1)]!; link !== 0; link = places[2 * link - 1]!) {
        const place = link - 1
        const placeAge = place < next ? next - place : next - place + placeCount
        if (placeAge <= age) return false
        age = placeAge
        if (places[2 * place] !== wanted) continue
        places[2 * place] = 0
        heldCount -= 1
        return true
      }
      return false
    },
  }
}
