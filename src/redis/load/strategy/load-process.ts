/** The course of a load process once its cache is wired: phases as it is told, counts as they grow, then what it found. */
import type { CacheCounts } from '../../../measure/cache-counts.js'
import { control } from '../memory.js'
import type { LoadJob, LoadReport } from '../protocol.js'
import { LoadThread } from '../thread.js'
import type { CacheEngine } from './engine.js'
import { MemoryShadow } from './memory-changes.js'
import type { FromLoadProcess, ToLoadProcess } from './protocol.js'
import type { StaleReads } from './stale-reads.js'

const countsEveryMs = 250
const acknowledgeEveryMs = 50

export interface LoadProcessParts {
  readonly job: LoadJob
  readonly engine: CacheEngine
  readonly staleReads: StaleReads
  readonly hostNoise: LoadReport['hostNoise']
  /** After the last request: what the cache still does for what was asked of it. */
  settle(): Promise<Partial<CacheCounts>>
  say(message: FromLoadProcess): Promise<void>
  /** Messages from now on; nothing was sent before `ready`. */
  listen(take: (message: ToLoadProcess) => void): void
}

export async function runLoadProcess(parts: LoadProcessParts): Promise<void> {
  const { job, engine, staleReads, say } = parts
  const { memory } = job
  const shadow = new MemoryShadow(memory)
  let started: () => void = () => {}
  let completed: () => void = () => {}
  let first = 0
  const start = new Promise<void>((resolve) => {
    started = resolve
  })
  const complete = new Promise<void>((resolve) => {
    completed = resolve
  })
  parts.listen((message) => {
    if (message.kind === 'phase') {
      memory.control[control.phase] = message.phase
      started()
    } else if (message.kind === 'acknowledged') {
      staleReads.acknowledged(message.writes)
      staleReads.through(message.from, message.throughMs)
      if (staleReads.isComplete) completed()
    }
  })
  if (staleReads.isComplete) completed()
  const acknowledge = (throughMs: number) => {
    const writes = engine.takeAcknowledgements()
    staleReads.acknowledged(writes)
    return say({ kind: 'acknowledged', throughMs, writes })
  }
  const sendCounts = () => {
    const last = Math.max(0, memory.control[control.phase]!)
    const counts = shadow.changes({ first, last })
    first = last
    return say({ kind: 'counts', ...counts })
  }
  await say({ kind: 'ready' })
  await start
  const timers = [
    setInterval(() => void sendCounts(), countsEveryMs),
    setInterval(() => {
      void acknowledge(engine.machineMs())
      staleReads.judge()
    }, acknowledgeEveryMs),
  ]
  const thread = new LoadThread(job, engine, parts.hostNoise)
  const report = await thread.run()
  for (const timer of timers) clearInterval(timer)
  const settled = await parts.settle()
  await acknowledge(Number.POSITIVE_INFINITY)
  await complete
  staleReads.judge()
  await say({ kind: 'counts', ...shadow.changes({ first: 0, last: memory.shape.phases - 1 }) })
  await say({ kind: 'done', ...report, cache: { ...engine.counts(), ...settled } })
}
