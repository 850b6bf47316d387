/** What a run through the cache library counted, in a result file: sums beside the measures, histograms as all others. */
import * as v from 'valibot'
import { type CacheCounts, cacheSums, readTiers, record } from '../measure/cache-counts.js'
import { decodeHistogram, encodeHistogram } from './hdr-export.js'

const index = v.pipe(v.number('expected a number'), v.integer(), v.minValue(0))
const histogram = v.pipe(v.string('expected a histogram in base64'), v.nonEmpty())

/** Beside `cache`, which is what people and scripts read. */
export const cacheCountsSchema = v.object({
  strategy: v.string(),
  processes: index,
  tiers: v.object(record(readTiers, () => index)),
  unwaited: index,
  sums: v.object(record(cacheSums, () => index)),
  unjudged: index,
  latencies: v.object(record(readTiers, () => histogram)),
  lookups: histogram,
  staleAges: histogram,
  behind: v.optional(v.object({ pending: index, lag: histogram })),
})

export type EncodedCacheCounts = v.InferOutput<typeof cacheCountsSchema>

export async function encodeCacheCounts(counts: CacheCounts): Promise<EncodedCacheCounts> {
  const { latencies, lookups, staleAges, behind, ...sums } = counts
  const encoded = await Promise.all(readTiers.map((tier) => encodeHistogram(latencies[tier])))
  return {
    ...sums,
    latencies: record(readTiers, (tier) => encoded[readTiers.indexOf(tier)]!),
    lookups: await encodeHistogram(lookups),
    staleAges: await encodeHistogram(staleAges),
    ...(behind ? { behind: { ...behind, lag: await encodeHistogram(behind.lag) } } : {}),
  }
}

/** Errors: those of a histogram that is none. */
export async function decodeCacheCounts(counts: EncodedCacheCounts): Promise<CacheCounts> {
  const { latencies, lookups, staleAges, behind, ...sums } = counts
  const decoded = await Promise.all(readTiers.map((tier) => decodeHistogram(latencies[tier])))
  return {
    ...sums,
    latencies: record(readTiers, (tier) => decoded[readTiers.indexOf(tier)]!),
    lookups: await decodeHistogram(lookups),
    staleAges: await decodeHistogram(staleAges),
    ...(behind ? { behind: { ...behind, lag: await decodeHistogram(behind.lag) } } : {}),
  }
}
