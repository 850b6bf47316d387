/** Several processes, each with a cache over the same ring and source, and the verdict on what they read. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CacheJob, CacheTask, StopTask, TaskReport } from './cache-worker.js'

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface CacheProcess {
  readonly pid: number
  run(task: CacheTask): Promise<TaskReport>
  /** Ends its stress. */
  stop(): void
  signal(signal: NodeJS.Signals): void
}

export interface CacheProcesses {
  readonly processes: readonly CacheProcess[]
  stop(): void
}

export async function startCaches(jobs: readonly CacheJob[]): Promise<CacheProcesses> {
  const path = fileURLToPath(new URL('./cache-worker.js', import.meta.url))
  const children = jobs.map((job) => fork(path, [JSON.stringify(job)]))
  for (const child of children) running.add(child)
  await Promise.all(children.map((child) => once(child, 'message')))
  return {
    processes: children.map((child) => ({
      pid: child.pid!,
      run: async (task) => {
        child.send(task)
        const [report] = (await once(child, 'message')) as [TaskReport]
        return report
      },
      stop: () => void child.send({ kind: 'stop' } satisfies StopTask),
      signal: (signal) => void child.kill(signal),
    })),
    stop: () => {
      for (const child of children) {
        running.delete(child)
        child.kill('SIGCONT')
        child.kill('SIGKILL')
      }
    },
  }
}

/** Reads that gave less than what had been acknowledged by then, and for how long it had been, ms. */
export function staleReads(reports: readonly TaskReport[]): { key: string; lateMs: number }[] {
  const writes = new Map<string, { version: number; ackedMs: number }[]>()
  for (const { key, ...write } of reports.flatMap((report) => report.writes))
    writes.set(key, [...(writes.get(key) ?? []), write])
  for (const list of writes.values()) list.sort((one, other) => one.version - other.version)
  return reports.flatMap(({ reads }) =>
    reads.flatMap(({ key, version, calledMs }) => {
      const newer = (writes.get(key) ?? []).filter((each) => each.version > version)
      const lateMs = Math.max(...newer.map(({ ackedMs }) => calledMs - ackedMs))
      return lateMs > 0 ? [{ key, lateMs }] : []
    }),
  )
}
