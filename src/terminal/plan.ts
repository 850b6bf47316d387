/** Plans and finished changes for people. */
import type { ChangeResult } from '../operations/change-ring.js'
import type { Preview } from '../operations/preview-change.js'
import { printable } from '../printable.js'
import { bar, formatBytes, formatCount, formatPercent, formatSeconds } from './format.js'
import { renderTable } from './table.js'

const maxRows = 40

export function renderPlan(plan: Preview): string {
  if (plan.moves.length === 0) return 'Nothing moves: every key keeps its owner.'
  // what is left of a change that has begun can't be told from how much its sources hold
  const counted = plan.expectedKeys !== undefined && !plan.resumed
  const largest = plan.moves[0]!.share
  const rows = plan.moves
    .slice(0, maxRows)
    .map((move) => [
      move.source,
      '→',
      move.target,
      formatPercent(move.share, 2),
      bar(move.share / largest, 10),
      ...(counted
        ? [`~${formatCount(move.expectedKeys ?? 0)}`, `~${formatBytes(move.expectedBytes ?? 0)}`]
        : []),
      move.sideways ? 'sideways' : '',
    ])
  const columns = [
    { title: 'source' },
    { title: '' },
    { title: 'target' },
    { title: 'share', align: 'right' as const },
    { title: '' },
    ...(counted
      ? [
          { title: 'keys', align: 'right' as const },
          { title: 'bytes', align: 'right' as const },
        ]
      : []),
    { title: '' },
  ]
  const more =
    plan.moves.length > maxRows ? [`… and ${plan.moves.length - maxRows} smaller moves (--json has all)`] : []
  return [renderTable(columns, rows), ...more, '', ...sentences(plan)].join('\n')
}

function sentences(plan: Preview): string[] {
  const { expectedKeys, expectedBytes } = plan
  const keys =
    expectedKeys === undefined || plan.resumed
      ? ''
      : `: about ${formatCount(expectedKeys)} keys, ${formatBytes(expectedBytes ?? 0)}`
  const lines = [`${formatPercent(plan.movedShare, 2)} of the keyspace moves${keys}.`]
  if (plan.resumed) lines.push('This change was begun before: what has moved already stays where it is.')
  if (plan.sidewaysShare > 0) {
    const part = formatPercent(plan.sidewaysShare / plan.movedShare, 0)
    lines.push(
      `${part} of that moves sideways, between nodes that stay and need not: this ring's algorithm does that.`,
    )
  } else {
    lines.push('Nothing moves sideways between nodes that stay.')
  }
  if (!plan.exact) lines.push('Shares are estimates from a sample of about a million positions.')
  for (const [id, share] of Object.entries(plan.lost ?? {})) {
    lines.push(
      `${printable(id)} is gone: what it held, ${formatPercent(share)} of the keyspace, is lost and starts empty.`,
    )
  }
  for (const [id, count] of Object.entries(plan.unawaitedReplicas ?? {})) {
    lines.push(
      `${printable(id)} has ${formatCount(count)} ${count === 1 ? 'replica' : 'replicas'}: only --wait-replicas keeps what has just moved safe from its failover.`,
    )
  }
  for (const problem of plan.problems) lines.push(`no live counts: ${printable(problem)}`)
  return lines
}

export function renderChange(result: ChangeResult, path: string): string {
  const { movedKeyCount, movedBytes, seconds, verifySeconds, keysPerSec, epoch, fencedClients } = result
  const rate = seconds > 0 ? ` in ${formatSeconds(seconds)} (${formatCount(keysPerSec)} keys/s)` : ''
  return [
    '',
    `Moved ${formatCount(movedKeyCount)} keys, ${formatBytes(movedBytes)} as sent${rate}.`,
    ...(verifySeconds > 0
      ? [
          `Verified${verifySeconds < 0.1 ? '' : ` in ${formatSeconds(verifySeconds)}`}: no key is left at a node that does not own it.`,
        ]
      : []),
    ...(fencedClients.length > 0
      ? [
          `Cut off, because they did not follow in time: ${fencedClients.map((id) => printable(id)).join(', ')}`,
        ]
      : []),
    ...Object.entries(result.evictedKeys ?? {}).map(
      ([id, count]) => `node ${printable(id)} evicted ${formatCount(count)} keys meanwhile: they are gone.`,
    ),
    `Written: ${printable(path)} (epoch ${epoch})`,
  ].join('\n')
}
