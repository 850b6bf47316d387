/** How fast requests come: as fast as replies allow, or by a schedule that does not look at replies. */
import type { Random } from '../random.js'

export type RateProfile =
  | { readonly kind: 'max' }
  | {
      readonly kind: 'open'
      /** One after the other; in each the rate goes in a straight line from one to the other. */
      readonly segments: readonly RateSegment[]
      readonly arrivals: 'uniform' | 'poisson'
    }
  /** The trace's own times, divided by `speed`. */
  | { readonly kind: 'trace'; readonly speed: number }

export interface RateSegment {
  readonly fromPerSec: number
  readonly toPerSec: number
  /** 0: the phase's whole duration. */
  readonly durationMs: number
}

/** Requests due in the first `timeMs` of a phase. */
export function expectedRequests(profile: RateProfile, timeMs: number, durationMs: number): number {
  if (profile.kind !== 'open') return 0
  const { fromPerSec } = profile.segments[0]!
  return (fromPerSec * Math.min(timeMs, durationMs || timeMs)) / 1000
}

export function createArrivals(
  profile: Extract<RateProfile, { kind: 'open' }>,
  options: { random: Random; part: { index: number; count: number }; durationMs: number },
): { next(): number } {
  const { fromPerSec } = profile.segments[0]!
  let position = options.part.index - options.part.count
  return {
    next() {
      position +=
        options.part.count * (profile.arrivals === 'poisson' ? -Math.log(1 - options.random.next()) : 1)
      const ms = ((position + 1) / fromPerSec) * 1000
      return options.durationMs > 0 && ms > options.durationMs ? Number.POSITIVE_INFINITY : ms
    },
  }
}
