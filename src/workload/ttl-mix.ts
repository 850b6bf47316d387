/** How long written keys live. */
import type { Random } from '../random.js'

export interface TtlMix {
  /** Empty: keys do not expire. */
  readonly parts: readonly {
    readonly seconds: number
    readonly weight: number
  }[]
  /** Spread around each: uniform within ±share, in [0, 1). */
  readonly jitter: number
}

export function createTtlDraw(mix: TtlMix, _random: Random): () => number {
  const seconds = mix.parts[0]?.seconds ?? 0
  return () => seconds
}
