/** Points on the circle: sorting them, and finding the owner of a position through a bucket index. */

/** An owner per arc; see `Placement` in ring.ts. */
export interface Arcs {
  readonly ends: Uint32Array
  readonly owners: Uint16Array
}

/** 64 Ki buckets by the position's high bits: a look-up is one table read and a scan of about points / 65,536 points. */
const bucketCount = 65_536

/**
 * Sorts points by position; equal positions by `rank`, so that the file's order of nodes never matters.
 * `positions[i]` belongs to node `owners[i]`; `rankOf[node]` orders the nodes.
 */
export function sortPoints(positions: Uint32Array, owners: Uint16Array, rankOf: Uint16Array): Arcs {
  const nodeOfRank = new Uint16Array(rankOf.length)
  for (let node = 0; node < rankOf.length; node++) nodeOfRank[rankOf[node]!] = node
  // position × 2^16 + rank is below 2^48 and exact in a double; typed arrays sort numerically and fast
  const packed = new Float64Array(positions.length)
  for (let i = 0; i < positions.length; i++) packed[i] = positions[i]! * 65_536 + rankOf[owners[i]!]!
  packed.sort()
  const ends = new Uint32Array(packed.length)
  const sortedOwners = new Uint16Array(packed.length)
  for (let i = 0; i < packed.length; i++) {
    const value = packed[i]!
    const position = Math.floor(value / 65_536)
    ends[i] = position
    sortedOwners[i] = nodeOfRank[value - position * 65_536]!
  }
  return { ends, owners: sortedOwners }
}

/** Finds the first point at or after a position; past the last one it wraps to the first. */
export type PointFinder = (position: number) => number

/** The index takes milliseconds to build: a command that looks up a few keys searches without it. */
const lookUpsBeforeIndex = 256

export function createPointFinder(ends: Uint32Array): PointFinder {
  let index: Uint32Array | undefined
  let lookUps = 0
  return (position) => {
    let point: number
    if (index) {
      point = index[position >>> 16]!
      while (point < ends.length && ends[point]! < position) point++
    } else {
      point = lowerBound(ends, position)
      if (++lookUps === lookUpsBeforeIndex) index = bucketIndex(ends)
    }
    return point === ends.length ? 0 : point
  }
}

/** For each bucket the first point whose position is at or after the bucket's start. */
function bucketIndex(ends: Uint32Array): Uint32Array {
  const index = new Uint32Array(bucketCount)
  let point = 0
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const start = bucket * 65_536
    while (point < ends.length && ends[point]! < start) point++
    index[bucket] = point
  }
  return index
}

function lowerBound(ends: Uint32Array, position: number): number {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ends[middle]! < position) low = middle + 1
    else high = middle
  }
  return low
}

/** Ranks of labels in byte order. */
export function rankLabels(labels: readonly string[]): Uint16Array {
  const order = labels.map((_, node) => node).sort((a, b) => compareBytes(labels[a]!, labels[b]!))
  const ranks = new Uint16Array(labels.length)
  order.forEach((node, rank) => {
    ranks[node] = rank
  })
  return ranks
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
