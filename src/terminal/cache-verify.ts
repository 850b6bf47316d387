/** `cache verify`: how consistent the cache is, by cause, with the keys that differ. */
import type { Consistency, ConsistencyCounts, Difference, VerifyRun } from '../operations/verify-cache.js'
import { printable } from '../printable.js'
import { formatDurationMs } from '../workload/duration.js'
import { formatCount, formatPercent } from './format.js'
import { renderTable } from './table.js'

export interface CacheVerifyReport extends ConsistencyCounts {
  readonly schema: 'cachectl/cache-verify/v1'
  readonly topology: string
  readonly namespace: string
  readonly withinMs: number
  readonly keyCount: number
  /** null: nothing could be compared. */
  readonly share: number | null
  readonly shareLow: number
  readonly nines: number
  readonly differences: readonly {
    readonly key: string
    readonly keyBase64: string
    readonly cause: Difference<unknown>['cause']
  }[]
  readonly gate: { readonly failBelow: number; readonly passed: boolean } | null
  /** Why the last key that could not be checked could not. */
  readonly failure: string | null
  readonly seconds: number
  readonly interrupted: boolean
}

export interface CacheVerifyFacts {
  readonly topology: string
  readonly namespace: string
  readonly withinMs: number
  readonly failBelow: number | undefined
  readonly counts: Readonly<ConsistencyCounts>
  readonly consistency: Consistency
  readonly differences: readonly Difference<unknown>[]
  readonly failure: string | undefined
  readonly run: VerifyRun
}

export function toCacheVerifyReport(facts: CacheVerifyFacts): CacheVerifyReport {
  const { counts, consistency, failBelow, run } = facts
  const { share, shareLow, nines } = consistency
  return {
    schema: 'cachectl/cache-verify/v1',
    topology: facts.topology,
    namespace: facts.namespace,
    withinMs: facts.withinMs,
    ...counts,
    keyCount: run.keyCount,
    share: Number.isNaN(share) ? null : share,
    shareLow,
    nines,
    differences: facts.differences.map(({ key, cause }) => ({
      key: printable(key),
      keyBase64: Buffer.from(key).toString('base64'),
      cause,
    })),
    // what could not be compared proves nothing
    gate: failBelow === undefined ? null : { failBelow, passed: share >= failBelow },
    failure: facts.failure ?? null,
    seconds: run.seconds,
    interrupted: run.interrupted,
  }
}

const causes = {
  outdated: 'other than the source',
  negative: 'none, which the source has',
  deleted: 'which the source has no more',
} as const

export function renderCacheVerify(report: CacheVerifyReport): string {
  const { share, consistent, inconsistent, differences, gate } = report
  const compared = consistent + inconsistent
  const within = formatDurationMs(report.withinMs)
  const lines = [
    share === null
      ? `Nothing could be compared with the source of truth (${formatCount(report.keyCount)} keys of ${printable(report.namespace)}).`
      : `Consistent within ${within}: ${formatPercent(share, 4)} of ${formatCount(compared)} keys compared; ` +
        `at least ${formatPercent(report.shareLow, 4)}, ${report.nines.toFixed(1)} nines (95 % confidence).`,
  ]
  const rows = [
    ['consistent', consistent, ''],
    ['inconsistent', inconsistent, causeText(report)],
    ['undecided', report.undecided, 'cache and source kept changing'],
    ['pending', report.pending, 'on their way to the source'],
    ['not cached', report.absent, ''],
    ['unreadable', report.unreadable, 'of another codec'],
    ['not checked', report.failed, report.failure ?? ''],
  ] as const
  const shown = rows.filter(([name, count]) => count > 0 || name === 'consistent' || name === 'inconsistent')
  lines.push(
    '',
    renderTable(
      [{ title: 'keys' }, { title: '', align: 'right' }, { title: '' }],
      shown.map(([name, count, note]) => [name, formatCount(count), note]),
    ),
  )
  if (differences.length > 0) {
    const keys = differences.map(({ key, cause }) => [
      key.length > 48 ? `${key.slice(0, 47)}…` : key,
      causes[cause],
    ])
    lines.push('', renderTable([{ title: 'inconsistent key' }, { title: 'the cache serves' }], keys))
    const unlisted = inconsistent - differences.length
    if (unlisted > 0) lines.push(`… and ${formatCount(unlisted)} more (--list)`)
  }
  if (gate) lines.push('', `${gate.passed ? 'ok  ' : 'FAIL'} consistent >= ${gate.failBelow}`)
  if (report.interrupted) lines.push('', 'Interrupted: the counts are of the keys until then.')
  return lines.join('\n')
}

function causeText({ causes: counts }: CacheVerifyReport): string {
  const parts = [
    [counts.outdated, 'outdated'],
    [counts.negative, 'cached as none'],
    [counts.deleted, 'deleted at the source'],
  ] as const
  return parts
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${formatCount(count)} ${name}`)
    .join(', ')
}
