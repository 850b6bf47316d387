/** A histogram of sizes as a CSV file: `from,to,weight`, sizes in bytes, both ends included. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { SizeDistribution } from '../workload/size-distribution.js'

const maxRows = 100_000
const maxValueBytes = 512 * 2 ** 20

/**
 * A header line and lines that start with `#` may be there. Ranges rise and do not overlap; weights are relative.
 * `name` is how messages call the text. Errors: `invalid` as `file:line: what, what was expected`.
 */
export function parseSizeHistogram(text: string, name: string): SizeDistribution {
  const [from, to, weights]: [number[], number[], number[]] = [[], [], []]
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#') || (from.length === 0 && line.trim() === 'from,to,weight'))
      return
    const fail = (expected: string) =>
      invalid(`${printable(name)}:${index + 1}: ${printable(line, 60)}, expected ${expected}`)
    const cells = line.split(',').map((cell) => cell.trim())
    if (cells.length !== 3 || !cells.every((cell) => /^\d+(\.\d+)?$/.test(cell)))
      throw fail('from,to,weight, three numbers')
    const [low, high, weight] = cells.map(Number) as [number, number, number]
    if (!Number.isInteger(low) || !Number.isInteger(high) || high > maxValueBytes)
      throw fail('whole bytes up to 512 MiB')
    if (low > high) throw fail('from at or below to')
    if (from.length > 0 && low <= to.at(-1)!) throw fail('a range above the one before it')
    if (!(weight > 0)) throw fail('a weight above 0')
    if (from.length >= maxRows) throw fail(`at most ${maxRows.toLocaleString('en')} ranges`)
    from.push(low)
    to.push(high)
    weights.push(weight)
  })
  if (from.length === 0)
    throw invalid(`${printable(name)}: no ranges in it, expected lines of from,to,weight`)
  return { kind: 'histogram', from, to, weights }
}
