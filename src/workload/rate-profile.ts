/** How fast requests come: as fast as replies allow, or by a schedule that does not look at replies. */

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
