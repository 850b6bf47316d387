/** What every benchmark prints first: the machine, Node and the commit; and the median. */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { root } from '../../test/support/cli.js'

export function header(title: string): void {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  print(
    `${title}\n${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, commit ${commit}\n`,
  )
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
