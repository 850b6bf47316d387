/** What a run through the cache library says of its tiers. */
import chalk from 'chalk'
import type { BenchResult } from '../measure/bench-result.js'
import { readTiers } from '../measure/cache-counts.js'
import { formatCount, formatMs, formatPercent, wrapText } from './format.js'
import { renderTable } from './table.js'

const names = {
  l1: 'L1',
  l2: 'L2',
  stale: 'stale value',
  shared: "another caller's",
  miss: 'loaded',
} as const

/** '' where nothing went through the library. */
export function renderCache({ cache, source }: BenchResult, columns: number): string {
  if (!cache) return ''
  const rows = readTiers.map((tier) => {
    const { count, share, p50Ms, p99Ms, maxMs } = cache.tiers[tier]
    const times = count === 0 ? ['', '', ''] : [p50Ms, p99Ms, maxMs].map(formatMs)
    return [names[tier], formatCount(count), share === null ? '' : formatPercent(share, 2), ...times]
  })
  const table = renderTable(
    [
      { title: 'reads served by' },
      ...['count', 'share', 'p50', 'p99', 'max'].map((title) => ({ title, align: 'right' as const })),
    ],
    rows,
  )
  const { staleReads, lookup, behind } = cache
  const duplicates = source ? `, ${formatCount(source.duplicateLoads)} of a key already loading` : ''
  const late = staleReads.late === 0 ? 'none' : chalk.red(formatCount(staleReads.late))
  const lines = [
    `${cache.strategy}, ${cache.processes} processes: ${waitless(cache.noWaitRatio)}`,
    `${formatCount(cache.loads)} loads (${formatCount(cache.refreshes)} early or of stale values, ${formatCount(cache.detours)} past a node that was away)${duplicates}; ${formatCount(cache.waits)} waits for another process, ${formatCount(cache.revoked)} fills revoked by a write, ${formatCount(cache.invalidations)} invalidations heard`,
    `L2 lookups: ${formatCount(lookup.count)}, p50 ${formatMs(lookup.p50Ms)}, p99 ${formatMs(lookup.p99Ms)}; ${formatCount(cache.l2Failures)} failed`,
    `stale reads: ${formatCount(staleReads.count)}${staleReads.count === 0 ? '' : `, at most ${formatMs(staleReads.maxAgeMs)} after the write`}, ${late} later than 1 s${staleReads.unjudged === 0 ? '' : `; ${formatCount(staleReads.unjudged)} reads not judged`}`,
    ...(behind
      ? [
          `write-behind: ${formatCount(behind.pending)} keys waited at the end, and were written then; lag p50 ${formatMs(behind.lag.p50Ms)}, p99 ${formatMs(behind.lag.p99Ms)}, max ${formatMs(behind.lag.maxMs)}`,
        ]
      : []),
  ]
  return [table, ...lines.map((line) => wrapText(line, columns, 2))].join('\n')
}

function waitless(ratio: number | null): string {
  return ratio === null
    ? 'nothing was read'
    : `${formatPercent(ratio, 3)} of reads did not wait for the source`
}
