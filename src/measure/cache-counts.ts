/** What the processes of a run through the cache library counted, merged by addition, and what it says. */
import {
  histogramLength,
  type LatencySummary,
  mergeCounts,
  quantileUnits,
  slotOf,
  summarize,
  unitsPerMs,
} from './latency-histogram.js'

/** Where a read of the measured phases ended; each in exactly one, or in an error. */
export const readTiers = ['l1', 'l2', 'stale', 'shared', 'miss'] as const
export type ReadTier = (typeof readTiers)[number]

/** Sums over the processes, of the measured phases. */
export const cacheSums = [
  /** Calls of the loader, for reads and refreshes. */
  'loads',
  'loadErrors',
  /** Of the loads, for values that were still there. */
  'refreshes',
  /** Of the loads, because a node did not answer. */
  'detours',
  /** Waits for another process's load. */
  'waits',
  'fills',
  'revoked',
  'writes',
  /** Keys of which a process was told that others had changed them. */
  'invalidations',
  'l2Failures',
] as const
export type CacheSum = (typeof cacheSums)[number]

export interface CacheCounts {
  readonly strategy: string
  readonly processes: number
  readonly tiers: Readonly<Record<ReadTier, number>>
  /** Reads that waited neither for a load of their own, nor for one that somebody else did. */
  readonly unwaited: number
  readonly sums: Readonly<Record<CacheSum, number>>
  /** From the call of `get` to its value, by tier; counts a slot. */
  readonly latencies: Readonly<Record<ReadTier, ArrayLike<number>>>
  /** Requests to L2 that looked keys up, as the library saw them. */
  readonly lookups: ArrayLike<number>
  /**
   * Values that a write had replaced which was acknowledged before the read began: how long before, as latencies are
   * counted. Writes that overlap are in the order of the source of truth.
   */
  readonly staleAges: ArrayLike<number>
  /** Reads that were not looked at for that, because too many waited for it. */
  readonly unjudged: number
  readonly behind?: BehindCounts
}

/** Write-behind. */
export interface BehindCounts {
  /** Keys that waited in the journals when the load ended. */
  readonly pending: number
  /** From the start of the first write that waits to its key's coming to the source; counts a slot. */
  readonly lag: ArrayLike<number>
}

/** Later than this after the write's acknowledgement a stale read breaks what the library promises. */
export const lateStaleMs = 1_000

export interface CacheMeasures {
  readonly strategy: string
  readonly processes: number
  readonly reads: number
  readonly tiers: Readonly<Record<ReadTier, LatencySummary & { readonly share: number | null }>>
  readonly l1HitRatio: number | null
  readonly l2HitRatio: number | null
  /** Of reads, that did not wait for the source of truth. */
  readonly noWaitRatio: number | null
  readonly loads: number
  readonly loadErrors: number
  readonly refreshes: number
  readonly detours: number
  readonly waits: number
  readonly fills: number
  readonly revoked: number
  readonly writes: number
  readonly invalidations: number
  readonly l2Failures: number
  readonly lookup: LatencySummary
  readonly staleReads: {
    readonly count: number
    /** More than a second after the write that they missed was acknowledged. */
    readonly late: number
    readonly p50AgeMs: number
    readonly maxAgeMs: number
    /** Reads that were not looked at for it. */
    readonly unjudged: number
  }
  readonly behind: {
    readonly pending: number
    readonly lag: LatencySummary
  } | null
}

/** Errors: a plain Error for none at all. */
export function mergeCacheCounts(all: readonly CacheCounts[]): CacheCounts {
  const [first] = all
  if (!first) throw new Error('no process to merge')
  const sum = (pick: (counts: CacheCounts) => number) => all.reduce((total, each) => total + pick(each), 0)
  const add = (pick: (counts: CacheCounts) => ArrayLike<number> | undefined) => {
    const merged = new Float64Array(histogramLength)
    for (const each of all) mergeCounts(merged, pick(each) ?? [])
    return merged
  }
  return {
    strategy: first.strategy,
    processes: sum(({ processes }) => processes),
    tiers: record(readTiers, (tier) => sum(({ tiers }) => tiers[tier])),
    unwaited: sum(({ unwaited }) => unwaited),
    sums: record(cacheSums, (name) => sum(({ sums }) => sums[name])),
    latencies: record(readTiers, (tier) => add(({ latencies }) => latencies[tier])),
    lookups: add(({ lookups }) => lookups),
    staleAges: add(({ staleAges }) => staleAges),
    unjudged: sum(({ unjudged }) => unjudged),
    ...(all.some(({ behind }) => behind)
      ? {
          behind: {
            // each process sees all that waits
            pending: Math.max(...all.map(({ behind }) => behind?.pending ?? 0)),
            lag: add(({ behind }) => behind?.lag),
          },
        }
      : {}),
  }
}

export function foldCache(counts: CacheCounts): CacheMeasures {
  const { strategy, processes, tiers, latencies, sums, unwaited, staleAges, unjudged, behind } = counts
  const reads = readTiers.reduce((total, tier) => total + tiers[tier], 0)
  const share = (count: number) => (reads === 0 ? null : count / reads)
  const ages = summarize(staleAges)
  return {
    strategy,
    processes,
    reads,
    tiers: record(readTiers, (tier) => ({ ...summarize(latencies[tier]), share: share(tiers[tier]) })),
    l1HitRatio: share(tiers.l1),
    l2HitRatio: share(tiers.l2),
    noWaitRatio: share(unwaited),
    ...sums,
    lookup: summarize(counts.lookups),
    staleReads: {
      count: ages.count,
      late: lateStale(staleAges),
      p50AgeMs: ages.p50Ms,
      maxAgeMs: ages.maxMs,
      unjudged,
    },
    behind: behind ? { ...behind, lag: summarize(behind.lag) } : null,
  }
}

export function lookupQuantileMs({ lookups }: CacheCounts, quantile: number): number | undefined {
  let total = 0
  for (let slot = 0; slot < lookups.length; slot++) total += lookups[slot]!
  return total === 0 ? undefined : quantileUnits(lookups, total, quantile) / unitsPerMs
}

function lateStale(ages: ArrayLike<number>): number {
  let late = 0
  for (let slot = slotOf(lateStaleMs * unitsPerMs) + 1; slot < ages.length; slot++) late += ages[slot]!
  return late
}

export function record<K extends string, T>(names: readonly K[], of: (name: K) => T): Record<K, T> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<K, T>
}
