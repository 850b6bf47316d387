/** The share of positions for each pair of owners before and after: exact where the placements can be merged. */
import type { Placement, Ring } from '../ring/ring.js'

/** owner before → owner after → share of all positions. Nodes are indexes into their own topology. */
export interface SweepResult {
  readonly shares: ReadonlyMap<number, ReadonlyMap<number, number>>
  /** Absent: exact. */
  readonly sampleCount?: number
}

const positionCount = 2 ** 32
const sampleCount = 2 ** 20
/** 2^32 / golden ratio: consecutive multiples fill the circle evenly, whatever arcs or residues divide it. */
const evenStep = 0x9e3779b1

export function sweep(before: Ring, after: Ring): SweepResult {
  const shares = new Map<number, Map<number, number>>()
  const add = (source: number, target: number, share: number) => {
    const targets = shares.get(source) ?? new Map<number, number>()
    shares.set(source, targets)
    targets.set(target, (targets.get(target) ?? 0) + share)
  }
  if (!sameHashing(before, after)) {
    sampleKeys(before, after, add)
    return { shares, sampleCount }
  }
  if (sweepExactly(before.placement, after.placement, add)) return { shares }
  for (let i = 0; i < sampleCount; i++) {
    const position = Math.imul(i, evenStep) >>> 0
    add(before.ownerAt(position), after.ownerAt(position), 1 / sampleCount)
  }
  return { shares, sampleCount }
}

type Add = (source: number, target: number, share: number) => void

function sameHashing(before: Ring, after: Ring): boolean {
  const [a, b] = [before.topology.ring, after.topology.ring]
  return a.hash === b.hash && a.hashTag === b.hashTag && a.charSign === b.charSign
}

function sampleKeys(before: Ring, after: Ring, add: Add): void {
  for (let i = 0; i < sampleCount; i++) {
    const key = Buffer.from(`key:${i}`)
    add(before.ownerIndex(key), after.ownerIndex(key), 1 / sampleCount)
  }
}

function sweepExactly(before: Placement, after: Placement, add: Add): boolean {
  if (before.kind === 'arcs' && after.kind === 'arcs') {
    sweepArcs(before, after, add)
    return true
  }
  if (before.kind === 'residues' && after.kind === 'residues') {
    const period = leastCommonMultiple(before.owners.length, after.owners.length)
    if (period > 2 ** 24) return false
    const whole = Math.floor(positionCount / period)
    const rest = positionCount % period
    for (let residue = 0; residue < period; residue++) {
      const count = whole + (residue < rest ? 1 : 0)
      add(
        before.owners[residue % before.owners.length]!,
        after.owners[residue % after.owners.length]!,
        count / positionCount,
      )
    }
    return true
  }
  return false
}

type ArcsPlacement = Extract<Placement, { kind: 'arcs' }>

/** Walks both circles at once from one border to the next. */
function sweepArcs(before: ArcsPlacement, after: ArcsPlacement, add: Add): void {
  let from = 0
  let i = 0
  let j = 0
  while (from < positionCount) {
    while (i < before.ends.length && before.ends[i]! < from) i++
    while (j < after.ends.length && after.ends[j]! < from) j++
    const last = Math.min(before.ends[i] ?? positionCount - 1, after.ends[j] ?? positionCount - 1)
    add(
      before.owners[i % before.ends.length]!,
      after.owners[j % after.ends.length]!,
      (last + 1 - from) / positionCount,
    )
    from = last + 1
  }
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b]
  while (y > 0) [x, y] = [y, x % y]
  return (a / x) * b
}
