/** CPU time of the calling thread, where the system tells: Linux, from /proc (proc_pid_stat(5)). */
import { readFileSync } from 'node:fs'

const ticksPerSecond = 100

/** User and system time in seconds, to 10 ms; undefined elsewhere. */
export function threadCpuSeconds(): number | undefined {
  let text: string
  try {
    text = readFileSync('/proc/thread-self/stat', 'latin1')
  } catch {
    return undefined
  }
  // the second field is a name in brackets that may hold anything
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return Number.isFinite(ticks) ? ticks / ticksPerSecond : undefined
}
