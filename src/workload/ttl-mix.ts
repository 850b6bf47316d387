/** How long written keys live. */

export interface TtlMix {
  /** Empty: keys do not expire. */
  readonly parts: readonly {
    readonly seconds: number
    readonly weight: number
  }[]
  /** Spread around each: uniform within ±share, in [0, 1). */
  readonly jitter: number
}
