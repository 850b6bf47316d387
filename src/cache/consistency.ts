/** What a verifier has found, as counts and as a share with its bound. Pure. */

/** Which tiers serve something else than the source of truth. */
export type Where = 'l1' | 'l2' | 'both'
/** An older or other value; "the source has none", which has one; a value that the source has no more. */
export type Cause = 'outdated' | 'negative' | 'deleted'

export interface ConsistencyCounts {
  /** Looks at a key that have ended. Each is one of the next seven. */
  checked: number
  /** What the tiers serve is what the source says, or said less than `withinMs` ago. */
  consistent: number
  /** For longer than that a tier served what the source did not say. */
  inconsistent: number
  /** Cache and source both kept changing, so that neither can be said. */
  undecided: number
  /** Write-behind has not brought the cache's value to the source yet. */
  pending: number
  /** No tier had anything. */
  absent: number
  /** What is there was not written by this cache's codec. */
  unreadable: number
  /** The source or the node did not answer. */
  failed: number
  /** Offered and not looked at: too many were under way. */
  skipped: number
  readonly where: Record<Where, number>
  readonly causes: Record<Cause, number>
}

export interface Consistency {
  /** Of those that could be told; NaN: there were none. */
  readonly share: number
  /** With 95 % confidence the share is not smaller. */
  readonly shareLow: number
  /** −log10(1 − shareLow): 3 says that 99.9 % are proved. */
  readonly nines: number
}

export function createCounts(): ConsistencyCounts {
  return {
    checked: 0,
    consistent: 0,
    inconsistent: 0,
    undecided: 0,
    pending: 0,
    absent: 0,
    unreadable: 0,
    failed: 0,
    skipped: 0,
    where: { l1: 0, l2: 0, both: 0 },
    causes: { outdated: 0, negative: 0, deleted: 0 },
  }
}

export function consistencyOf({ consistent, inconsistent }: ConsistencyCounts): Consistency {
  const compared = consistent + inconsistent
  if (compared === 0) return { share: Number.NaN, shareLow: 0, nines: 0 }
  const missShare = Math.min(1, upperMean(inconsistent) / compared)
  return { share: consistent / compared, shareLow: 1 - missShare, nines: -Math.log10(missShare) + 0 }
}

const oneSided95 = 1.6448536269514722

/**
 * The largest mean of a Poisson law that would still show so few in one of twenty runs. Of none it is 3.0 ("rule of
 * three"), else the χ² quantile by Wilson and Hilferty (1931), less than 1 % off.
 */
function upperMean(count: number): number {
  if (count === 0) return -Math.log(0.05)
  const k = count + 1
  return k * (1 - 1 / (9 * k) + oneSided95 / (3 * Math.sqrt(k))) ** 3
}
