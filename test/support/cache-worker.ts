/**
 * A process with a cache for tests of faults: it does what it is told, one message a task, and tells the outcome. Rows stand
 * in a server beside the ring, as `row:<key>`; its loader and its writes go there.
 */
import { systemClock } from '../../src/clock.js'
import { createCache } from '../../src/open-cache.js'
import { createRandom } from '../../src/random.js'
import { openConnection } from '../../src/redis/resp-connection.js'
import { testNode } from './redis-servers.js'

export interface CacheJob {
  readonly ring: string | readonly string[]
  readonly replicas?: boolean
  readonly sourcePort: number
  readonly loadMs: number
  readonly isThrowing?: boolean
  /** Keeps only published hot keys in its memory. */
  readonly l1?: 'hot'
}

export type CacheTask =
  | { readonly kind: 'get'; readonly key: string; readonly callers?: number }
  | { readonly kind: 'write'; readonly key: string }
  | {
      readonly kind: 'stress'
      readonly seed: number
      readonly keys: number
      /** Or until it is told to stop. */
      readonly forMs: number
      readonly writeShare: number
      readonly pauseMs: number
      /** The part of `k0` beside what all keys have; of the others' reads only the number is told. */
      readonly hotShare?: number
    }

/** Ends a stress task; it has no answer of its own. */
export interface StopTask {
  readonly kind: 'stop'
}

export interface ReadEvent {
  readonly key: string
  readonly calledMs: number
  readonly returnedMs: number
  readonly version: number
}
/** Acknowledged: whoever reads later must see it. */
export interface WriteEvent {
  readonly key: string
  readonly version: number
  readonly ackedMs: number
}

export interface TaskReport {
  readonly versions: number[]
  readonly errors: string[]
  readonly reads: ReadEvent[]
  readonly writes: WriteEvent[]
  readonly readCount: number
  readonly loads: number
  readonly maxMs: number
}

const job = JSON.parse(process.argv[2]!) as CacheJob
const source = await openConnection({ node: testNode('source', job.sourcePort) })
let loads = 0
const cache = createCache<number>({
  ring: job.ring,
  // what is in L1 is read nowhere else
  ...(job.replicas ? { replicas: true, l1: false } : {}),
  ttl: '10m',
  ...(job.l1 ? { l1: job.l1 } : {}),
  // a busy machine is no dead node
  timeout: { l2: '2s' },
  load: async (key) => {
    loads += 1
    if (job.isThrowing) {
      await systemClock.sleep(job.loadMs)
      throw new Error('the source fails')
    }
    const row = await source.call('GET', `row:${key}`)
    await systemClock.sleep(job.loadMs)
    return Number(row ?? 0)
  },
})

const hotKey = 'k0'
let isStopping = false
process.on('message', (task: CacheTask | StopTask) => {
  if (task.kind === 'stop') isStopping = true
  else run(task).then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit())
// connected, and its scripts known
await cache.get(`warm:${process.pid}`, () => 0)
process.send?.('ready')

async function run(task: CacheTask): Promise<TaskReport> {
  const report = {
    versions: [] as number[],
    errors: [] as string[],
    reads: [] as ReadEvent[],
    writes: [] as WriteEvent[],
    readCount: 0,
    loads: 0,
    maxMs: 0,
  }
  const before = loads
  if (task.kind === 'get') {
    await Promise.all(Array.from({ length: task.callers ?? 1 }, () => read(task.key, report)))
  } else if (task.kind === 'write') await write(task.key, report)
  else await stress(task, report)
  return { ...report, loads: loads - before }
}

type Report = Omit<TaskReport, 'loads' | 'maxMs' | 'readCount'> & { maxMs: number; readCount: number }

async function read(
  key: string,
  report: Report,
  isTold: (key: string) => boolean = () => true,
): Promise<void> {
  const calledMs = now()
  try {
    const version = (await cache.get(key)) ?? 0
    const returnedMs = now()
    report.maxMs = Math.max(report.maxMs, returnedMs - calledMs)
    report.readCount += 1
    if (report.versions.length < 10_000) report.versions.push(version)
    // of equal versions in a row the first and last would do; the judge needs those that are low
    if (isTold(key)) report.reads.push({ key, calledMs, returnedMs, version })
  } catch (error) {
    report.errors.push(String(error))
  }
}

async function write(key: string, report: Report): Promise<void> {
  const version = Number(await source.call('INCR', `row:${key}`))
  try {
    await cache.invalidate(key)
    report.writes.push({ key, version, ackedMs: now() })
  } catch (error) {
    report.errors.push(String(error))
  }
}

async function stress(task: CacheTask & { kind: 'stress' }, report: Report): Promise<void> {
  isStopping = false
  const random = createRandom(task.seed)
  const untilMs = now() + task.forMs
  const { hotShare } = task
  const isTold = (key: string) => hotShare === undefined || key === hotKey
  const loop = async () => {
    while (now() < untilMs && !isStopping) {
      const key = random.next() < (hotShare ?? 0) ? hotKey : `k${random.below(task.keys)}`
      if (random.next() < task.writeShare) await write(key, report)
      else await read(key, report, isTold)
      if (task.pauseMs > 0) await systemClock.sleep(task.pauseMs)
      else if (random.next() < 0.05) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: 4 }, loop))
}

/** ms of the one clock of all processes of the machine that nobody sets while they run. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
