/** A whole process and what it cost: its output, CPU seconds of all its threads, wall seconds. */
import { spawn, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

export interface TimedResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
  readonly cpuSeconds: number
}

/** Only where it helps and is there: two cores or more, and taskset (util-linux). */
export const canPin = cpus().length >= 2 && spawnSync('taskset', ['--version']).status === 0

/** Runs the command on the processor, where processes can be pinned. */
export async function runTimed(
  command: readonly string[],
  options: { cpu?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<TimedResult> {
  const pinned =
    options.cpu !== undefined && canPin ? ['taskset', '-c', String(options.cpu), ...command] : command
  // the shell's `times` counts what its children used, to the clock tick
  const child = spawn('sh', ['-c', '"$@" 3>&-; code=$?; times >&3; exit $code', 'sh', ...pinned], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: options.env ?? process.env,
  })
  const texts = [1, 2, 3].map((index) => {
    let text = ''
    child.stdio[index]!.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    return () => text
  })
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
  return {
    stdout: texts[0]!(),
    stderr: texts[1]!(),
    exitCode,
    cpuSeconds: childSeconds(texts[2]!()),
  }
}

/** Second line of `times`: user and system time of the children, as 0m1.230s. */
function childSeconds(text: string): number {
  const line = text.trim().split('\n')[1] ?? ''
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )
}
