/** Keys that hold one value where they are and another where they belong, told to the operator. */
import { stopped } from '../errors.js'
import { printable } from '../printable.js'
import type { Conflict } from './relocate-keys.js'

export function conflictsLeft(
  conflicts: readonly Conflict[],
  remedy = 'Delete the copy that is wrong, then `cachectl ring resume`. All other keys have moved.',
): Error {
  const shown = conflicts
    .slice(0, 5)
    .map(({ key, node, owner }) => `  ${printable(key, 60)}: ${node} and ${owner} differ`)
  const more = conflicts.length > shown.length ? [`  … and ${conflicts.length - shown.length} more`] : []
  return stopped(
    [
      `${conflicts.length} keys hold one value where they are and another where they belong; neither was touched:`,
      ...shown,
      ...more,
    ].join('\n'),
    remedy,
  )
}
