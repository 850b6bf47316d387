/** Of tens of thousands of keys the few that may be above a threshold, and what bounds all the others. */
import { designEffect, fewestForWaves, shareOf, shownError, unseenBound, wilson } from './interval.js'
import type { KeyTally, Tally } from './tally.js'

export interface Candidate {
  readonly tally: Tally
  readonly key: KeyTally
}

/** Two standard errors: a quick look, so that not every key needs its exact interval. */
const quickQuantile = 2
const mostOthers = 20

/** `near`: not far below the threshold, or not known to be. `others`: of the rest those that may have most. */
export function candidatesOf(
  tallies: readonly Tally[],
  threshold: number,
): { near: Candidate[]; others: Candidate[] } {
  const near: Candidate[] = []
  const others: (Candidate & { readonly high: number })[] = []
  for (const tally of tallies) {
    const size = tally.samples ** 2 / tally.squaredWeights
    for (const key of tally.keys.counters()) {
      const share = key.seen / tally.samples
      const { high } = wilson(share, size / designEffect(key, tally), quickQuantile)
      if (high >= threshold || share >= threshold / 4) near.push({ tally, key })
      else if (others.length < mostOthers || high > others.at(-1)!.high) {
        others.push({ tally, key, high })
        others.sort((a, b) => b.high - a.high)
        others.splice(mostOthers)
      }
    }
  }
  return { near, others }
}

/**
 * No key but those shown has a larger share of its node, at 95 %. At most 1/θ keys have a share of θ, and so many are the
 * chances to be wrong. Traffic is taken to come in waves no higher than those of the keys that were seen.
 */
export function othersBound(
  tallies: readonly Tally[],
  unshown: readonly Candidate[],
  threshold: number,
): number {
  if (tallies.length === 0) return 1
  const error = 2 * shownError * threshold
  let bound = Math.max(...tallies.map(unseenIn))
  for (const { key, tally } of unshown) bound = Math.max(bound, shareOf(key, tally, error).high)
  return Math.min(1, bound)
}

function unseenIn(tally: Tally): number {
  let effect = 1
  for (const key of tally.keys.counters())
    if (key.seen >= fewestForWaves) effect = Math.max(effect, designEffect(key, tally))
  return unseenBound(tally.samples ** 2 / tally.squaredWeights / effect)
}
