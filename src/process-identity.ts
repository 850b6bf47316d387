/** Which process a pid means: a pid alone may have been given to somebody else since. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'

export interface ProcessIdentity {
  readonly pid: number
  /** The system's start time of the process, opaque. */
  readonly startTime: string
}

/** undefined when no such process is alive. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return startTimeByPs(pid)
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined // it has ended: that is the answer
  }
}

function startTimeByPs(pid: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'lstart=', '-p', String(pid)], (error, stdout) =>
      resolve(error ? undefined : stdout.trim()),
    )
  })
}

export async function isAlive({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  return (await startTimeOf(pid)) === startTime
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? '' }
}
