/** What starting costs: CPU of `cachectl --version` and `cachectl ring locate` against `node -e 0`, interleaved. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../test/support/cli.js'
import { header, median, print } from './support/report.js'

const rounds = 15
const run = join(root, 'bin/run.js')
const topology = join(root, 'topologies/local-three.yaml')
const commands = {
  'node -e 0': ['-e', '0'],
  'cachectl --version': [run, '--version'],
  'cachectl ring locate': [run, 'ring', 'locate', '-t', topology, 'user:42'],
}

const cpuMs: Record<string, number[]> = {}
for (let round = 0; round <= rounds; round++) {
  for (const [name, args] of Object.entries(commands)) {
    const ms = childCpuMs(args)
    // the first round fills the page cache
    if (round > 0) cpuMs[name] = [...(cpuMs[name] ?? []), ms]
  }
}

header('start-up: CPU time relative to node -e 0')
const base = median(cpuMs['node -e 0']!)
print(`node -e 0                ${base.toFixed(0)} ms`)
print(
  `cachectl --version       ${(median(cpuMs['cachectl --version']!) / base).toFixed(2)} ×   (goal ≤ 1.30)`,
)
print(
  `cachectl ring locate     ${(median(cpuMs['cachectl ring locate']!) / base).toFixed(2)} ×   (goal ≤ 3.50)`,
)

/** User and system time of one child, by the shell's own accounting. */
function childCpuMs(args: readonly string[]): number {
  const { stdout } = spawnSync(
    'bash',
    ['-c', '"$@" >/dev/null 2>&1; times', 'bash', process.execPath, ...args],
    { encoding: 'utf8' },
  )
  const children = stdout.trim().split('\n')[1] ?? ''
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  )
}
