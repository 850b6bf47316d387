/** Shares as people write them. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'

/** `1%` or `0.01` to 0.01, above 0 and up to 1. Errors: `invalid`, naming the flag. */
export function parsePercent(text: string, flag: string): number {
  const [, digits, percent] = /^(\d*\.?\d+)\s*(%?)$/.exec(text) ?? []
  const share = Number(digits) / (percent ? 100 : 1)
  if (digits !== undefined && share > 0 && share <= 1) return share
  throw invalid(`${flag} ${printable(text)}: expected a share such as 1% or 0.01`)
}
