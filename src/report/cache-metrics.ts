/** What of a cache is reported, under which names: one table for every exporter. No key is ever a name or a label. */
import type { Cache } from '../cache/cache.js'
import type { CacheStats } from '../cache/stats.js'
import type { TimedPart } from '../cache/timings.js'
import { invalid } from '../errors.js'

/** What an exporter needs of a cache, whatever its values are. */
export type MeasuredCache = Pick<Cache<never>, 'namespace' | 'stats' | 'timings'>

export interface CacheMetric {
  /** Words joined by `_`; counters without `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  /** One label that several figures of one metric differ in. */
  readonly label?: readonly [name: string, value: string]
  /** Factor to the base unit. */
  readonly scale?: number
  readonly unit?: string
}

const readsHelp = 'Reads that have ended, by outcome; of those that ended in an error read_seconds counts.'
const ofReads = (outcome: string): CacheMetric => ({
  ...{ name: 'reads', help: readsHelp, type: 'counter', unit: '{read}' },
  label: ['outcome', outcome],
})
const counter = (name: string, unit: string, help: string): CacheMetric => ({
  ...{ name, unit, help, type: 'counter' },
})

/** A figure that is added to CacheStats must be placed here: the compiler asks for it. */
export const cacheMetrics: Readonly<Record<keyof CacheStats, CacheMetric>> = {
  gets: counter('gets', '{read}', 'Reads that have begun.'),
  l1Hits: ofReads('l1'),
  l2Hits: ofReads('l2'),
  replicaHits: counter('replica_hits', '{read}', 'Reads that a replica answered; their outcome is l2.'),
  staleHits: ofReads('stale'),
  shared: ofReads('shared'),
  misses: ofReads('miss'),
  loads: counter('loads', '{load}', 'Calls of the loader, for reads and refreshes.'),
  loadErrors: counter('load_errors', '{load}', 'Calls of the loader that failed or took too long.'),
  refreshes: counter('refreshes', '{load}', 'Loads of values that were still there.'),
  detours: counter('detours', '{load}', 'Loads because a node did not answer or a writer was at work.'),
  waits: counter('waits', '{wait}', 'Waits for what another process loads.'),
  fills: counter('fills', '{fill}', 'Values put at L2 after a load.'),
  revoked: counter('revoked_fills', '{fill}', 'Fills refused because the key was changed meanwhile.'),
  writes: counter('writes', '{write}', 'Calls of set.'),
  invalidations: counter('invalidations', '{key}', 'Keys that others have changed, as their nodes told.'),
  l2Failures: counter('l2_failures', '{request}', 'Requests to L2 that failed or took too long.'),
  codecErrors: counter('codec_errors', '{value}', 'Values that the codec could not write or read.'),
  puts: counter('behind_puts', '{write}', 'Write-behind: values that a journal has taken.'),
  flushed: counter(
    'behind_flushed',
    '{write}',
    'Write-behind: entries brought to the source by this process.',
  ),
  flushErrors: counter('behind_flush_errors', '{call}', 'Write-behind: calls of the writer that failed.'),
  deadLetters: counter('behind_dead_letters', '{write}', 'Write-behind: entries that were given up.'),
  pending: {
    ...{ name: 'behind_pending', type: 'gauge', unit: '{write}' },
    help: 'Write-behind: entries that wait on all nodes, as last seen.',
  },
  lagMs: {
    ...{ name: 'behind_lag_seconds', type: 'gauge', unit: 's', scale: 0.001 },
    help: 'Write-behind: how long the oldest entry has waited, as last seen.',
  },
  hotKeys: {
    ...{ name: 'hot_keys', type: 'gauge', unit: '{key}' },
    help: 'Published hot keys that the memory of this process may hold.',
  },
  hotGeneration: {
    ...{ name: 'hot_generation', type: 'gauge', unit: '{publication}' },
    help: 'Generation of the published hot set, as last seen; 0: none.',
  },
}

export interface TimedMetric {
  readonly name: string
  readonly help: string
  readonly label?: readonly [name: string, value: string]
}

const readHelp = 'How long reads took their callers, by outcome; of the hits in L1 one in 1,024 is timed.'
const read = (outcome: string): TimedMetric => ({
  ...{ name: 'read_seconds', help: readHelp },
  label: ['outcome', outcome],
})

export const timedMetrics: Readonly<Record<TimedPart, TimedMetric>> = {
  l1: read('l1'),
  l2: read('l2'),
  stale: read('stale'),
  shared: read('shared'),
  miss: read('miss'),
  readError: read('error'),
  load: { name: 'load_seconds', help: 'How long calls of the loader took.' },
  wait: { name: 'wait_seconds', help: 'How long reads waited for what another process loads.' },
  set: { name: 'set_seconds', help: 'How long calls of set took.' },
  invalidate: { name: 'invalidate_seconds', help: 'How long calls of invalidate took.' },
}

/** Upper bounds of the buckets. */
export const boundsSeconds = [
  ...[1e-6, 1e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2],
  ...[5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
]

/** Errors: `invalid` where two caches would be one in the report. */
export function distinct(caches: MeasuredCache | readonly MeasuredCache[]): readonly MeasuredCache[] {
  const all = 'stats' in caches ? [caches] : caches
  const names = new Set<string>()
  for (const { namespace } of all) {
    if (names.has(namespace)) {
      throw invalid(`metrics: two caches are called ${namespace}`, 'Give each its own `namespace`.')
    }
    names.add(namespace)
  }
  return all
}

export function statNames(): (keyof CacheStats)[] {
  return Object.keys(cacheMetrics).filter((name): name is keyof CacheStats => name in cacheMetrics)
}
