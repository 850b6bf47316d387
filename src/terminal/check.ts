/** `ring check`: the report as JSON keeps key bytes, the text escapes them. */
import type { CheckResult } from '../operations/check-ring.js'
import type { RelocationResult } from '../operations/relocate-keys.js'
import { printable } from '../printable.js'
import { formatCount } from './format.js'
import { renderTable } from './table.js'

export interface CheckReport {
  readonly schema: 'cachectl/check/v1'
  readonly topology: string
  readonly keyCount: number
  readonly misplacedCount: number
  readonly duplicateCount: number
  readonly misplaced: readonly {
    readonly key: string
    readonly keyBase64: string
    readonly node: string
    readonly owner: string
    readonly alsoOnOwner: boolean
  }[]
  readonly nodes: CheckResult['nodes']
  /** Present after --repair; the counts above are those afterwards. */
  readonly repair?: {
    readonly movedKeyCount: number
    readonly conflictCount: number
    readonly seconds: number
  }
}

export function toCheckReport(topology: string, result: CheckResult, repair?: RelocationResult): CheckReport {
  return {
    schema: 'cachectl/check/v1',
    topology,
    keyCount: result.keyCount,
    misplacedCount: result.misplacedCount,
    duplicateCount: result.duplicateCount,
    misplaced: result.misplaced.map(({ key, ...rest }) => ({
      key: printable(key),
      keyBase64: key.toString('base64'),
      ...rest,
    })),
    nodes: result.nodes,
    ...(repair
      ? {
          repair: {
            movedKeyCount: repair.movedCount,
            conflictCount: repair.conflicts.length,
            seconds: repair.seconds,
          },
        }
      : {}),
  }
}

export function renderCheck(report: CheckReport): string {
  const lines: string[] = []
  if (report.repair) {
    const { movedKeyCount, conflictCount } = report.repair
    lines.push(`Repaired: ${formatCount(movedKeyCount)} keys carried to their owners.`)
    if (conflictCount > 0)
      lines.push(
        `${formatCount(conflictCount)} keys hold different values on two nodes; both were left alone.`,
      )
  }
  if (report.misplacedCount === 0) {
    lines.push(
      `${formatCount(report.keyCount)} keys on ${Object.keys(report.nodes).length} nodes, every one on its owner, none twice.`,
    )
    return lines.join('\n')
  }
  lines.push(
    `${formatCount(report.misplacedCount)} of ${formatCount(report.keyCount)} keys lie on a node that does not own them; ` +
      `${formatCount(report.duplicateCount)} lie on several.`,
  )
  const rows = report.misplaced.map(({ key, node, owner, alsoOnOwner }) => [
    key.length > 40 ? `${key.slice(0, 39)}…` : key,
    node,
    owner,
    alsoOnOwner ? 'on both' : '',
  ])
  if (rows.length > 0) {
    lines.push(
      '',
      renderTable([{ title: 'key' }, { title: 'lies on' }, { title: 'belongs to' }, { title: '' }], rows),
    )
  }
  const unlisted = report.misplacedCount - report.misplaced.length
  if (rows.length > 0 && unlisted > 0) lines.push(`… and ${formatCount(unlisted)} more (--list)`)
  if (!report.repair) lines.push('', '`cachectl ring check --repair` carries them to their owners.')
  return lines.join('\n')
}
