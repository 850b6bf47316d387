/** Ranks that the samples bear out: neighbours whose order may be chance share one. */
import type { Candidate } from './candidates.js'
import { type Bounded, designEffect, shareOf, shownError, wavesFrom } from './interval.js'

export interface Ranked {
  readonly ring: Bounded
  readonly parts: readonly (Candidate & { readonly share: Bounded })[]
}

/** In the order given, which is by the estimate. */
export function rankShown(keys: readonly Ranked[]): { readonly rank: number; readonly tie?: number }[] {
  // each pair of neighbours is one chance to be wrong
  const error = shownError / Math.max(1, keys.length - 1)
  const ranks: number[] = []
  keys.forEach((key, index) => {
    const before = keys[index - 1]
    ranks.push(before && !isLess(key, before, error) ? ranks[index - 1]! : index + 1)
  })
  const sizes = new Map<number, number>()
  for (const rank of ranks) sizes.set(rank, (sizes.get(rank) ?? 0) + 1)
  const groups = [...sizes].filter(([, size]) => size > 1).map(([rank]) => rank)
  return ranks.map((rank) => (sizes.get(rank) === 1 ? { rank } : { rank, tie: groups.indexOf(rank) + 1 }))
}

/** The interval of a difference, from those of its sides and their correlation (Zou, Psychological Methods 12, 2007). */
function isLess(lesser: Ranked, greater: Ranked, error: number): boolean {
  const below = reach(greater, error, 'low')
  const above = reach(lesser, error, 'high')
  const joint = 2 * opposition(lesser, greater) * below * above
  return greater.ring.value - lesser.ring.value > Math.sqrt(below ** 2 + above ** 2 + joint)
}

/** From the estimate to the end of its interval, in shares of the ring. */
function reach({ ring, parts }: Ranked, error: number, end: 'low' | 'high'): number {
  const seen = parts.reduce((sum, { share }) => sum + share.value, 0)
  if (seen === 0) return 0
  const squares = parts.reduce((sum, { key, tally, share }) => {
    const bounds = shareOf(key, tally, error)
    return sum + (bounds[end] - share.value) ** 2
  }, 0)
  return (Math.sqrt(squares) * ring.value) / seen
}

/**
 * How much one has less when the other has more, in [0, 1]: of keys on one node at least as much as when commands are
 * drawn one by one; nobody knows how much where a key comes in waves, and the worst is taken.
 */
function opposition(a: Ranked, b: Ranked): number {
  let most = 0
  for (const { tally, key, share } of a.parts) {
    const other = b.parts.find((part) => part.tally === tally)
    if (!other) continue
    const comesInWaves = [key, other.key].some((each) => designEffect(each, tally) > wavesFrom)
    const [p, q] = [share.value, other.share.value]
    most = Math.max(most, comesInWaves ? 1 : Math.sqrt((p * q) / Math.max(1e-9, (1 - p) * (1 - q))))
  }
  return Math.min(1, most)
}
