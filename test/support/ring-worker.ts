/**
 * A process of clients for tests of live changes: gets, sets and deletes on registers, INCR on counters, RPUSH of unique
 * numbers on lists, and reads of keys that nobody writes. It runs until it is told to stop, and then tells what it saw.
 */
import { systemClock } from '../../src/clock.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { openControl } from '../../src/open-control.js'
import { createRandom } from '../../src/random.js'
import { UnknownOutcomeError } from '../../src/redis/command-router.js'
import { RingClient } from '../../src/redis/ring-client.js'
import { createZipf } from '../../src/workload/zipf.js'
import type { Effect } from './linearizable.js'

export interface WorkerJob {
  readonly topologyFile: string
  readonly worker: number
  readonly seed: number
  readonly loops: number
  /** Of this process; 0: as fast as it goes. */
  readonly opsPerSec: number
  readonly registers: number
  readonly counters: number
  readonly lists: number
  /** `fixed:0` … hold their own names from the start. */
  readonly fixedKeys: number
}

export interface WorkerReport {
  readonly registers: Record<string, { effect: Effect; called: number; returned: number | null }[]>
  /** INCR: acknowledged results by counter, and how many have an unknown outcome. */
  readonly counters: Record<string, { results: number[]; unknown: number }>
  /** RPUSH: acknowledged and unknown numbers by list. */
  readonly lists: Record<string, { acked: number[]; unknown: number[] }>
  readonly operations: number
  readonly fixedReads: number
  readonly fixedMisses: number
  readonly unknown: number
  /** Anything that failed otherwise: there must be none. */
  readonly failures: string[]
  /** Milliseconds of each operation's latency, sampled. */
  readonly p99Ms: number
  readonly maxMs: number
}

const job = JSON.parse(process.argv[2]!) as WorkerJob
const random = createRandom(job.seed + job.worker * 7919)
const file = await loadTopology(job.topologyFile)
const client = await RingClient.open({
  control: await openControl(file),
  readAccess: async (nodes) => nodes.map((node) => ({ node })),
  clock: systemClock,
  origin: `worker ${job.worker}`,
})
const report = {
  registers: {} as WorkerReport['registers'],
  counters: {} as WorkerReport['counters'],
  lists: {} as WorkerReport['lists'],
  operations: 0,
  fixedReads: 0,
  fixedMisses: 0,
  unknown: 0,
  failures: [] as string[],
}
const latencies: number[] = []
const fixedKey = createZipf(Math.max(1, job.fixedKeys), 0.99, random)
const register = createZipf(job.registers, 0.99, random)
let stopping = false
let serial = 0

process.on('message', () => {
  stopping = true
})
process.send?.('ready')
await Promise.all(Array.from({ length: job.loops }, loop))
await client.close()
latencies.sort((a, b) => a - b)
const p99Ms = latencies[Math.floor(latencies.length * 0.99)] ?? 0
process.send?.({ ...report, p99Ms, maxMs: latencies.at(-1) ?? 0 }, () => process.disconnect())

async function loop(): Promise<void> {
  const paceMs = job.opsPerSec > 0 ? (1000 * job.loops) / job.opsPerSec : 0
  let nextMs = now()
  while (!stopping) {
    nextMs += paceMs
    const waitMs = nextMs - now()
    if (waitMs > 0) await systemClock.sleep(waitMs)
    const startedMs = now()
    await operate()
    report.operations += 1
    if (latencies.length < 200_000) latencies.push(now() - startedMs)
  }
}

/** 80 % reads, 15 % writes, 5 % deletes. */
async function operate(): Promise<void> {
  const dice = random.next()
  try {
    if (dice < 0.5 && job.fixedKeys > 0) await readFixed()
    else if (dice < 0.8) await useRegister('get')
    else if (dice < 0.88) await useRegister('set')
    else if (dice < 0.93) await useRegister('del')
    else if (dice < 0.965) await increment()
    else await push()
  } catch (error) {
    report.failures.push(String(error))
    if (report.failures.length > 100) stopping = true
  }
}

async function readFixed(): Promise<void> {
  const key = `fixed:${fixedKey()}`
  const reply = await client.call('GET', key)
  report.fixedReads += 1
  if (String(reply) !== key) report.fixedMisses += 1
}

async function useRegister(kind: Effect['kind']): Promise<void> {
  const key = `register:${register()}`
  report.registers[key] ??= []
  const history = report.registers[key]
  const called = now()
  if (kind === 'get') {
    const reply = await client.call('GET', key)
    history.push({
      effect: { kind: 'get', answer: reply === null ? null : String(reply) },
      called,
      returned: now(),
    })
    return
  }
  const value = `${job.worker}-${++serial}`
  const isSet = kind === 'set'
  try {
    const reply = isSet ? await client.call('SET', key, value) : await client.call('DEL', key)
    const effect: Effect = isSet ? { kind: 'set', value } : { kind: 'del', answer: Number(reply) }
    history.push({ effect, called, returned: now() })
  } catch (error) {
    requireUnknown(error)
    const effect: Effect = isSet ? { kind: 'set', value } : { kind: 'del', answer: undefined }
    history.push({ effect, called, returned: null })
  }
}

async function increment(): Promise<void> {
  const key = `counter:${random.below(job.counters)}`
  report.counters[key] ??= { results: [], unknown: 0 }
  const seen = report.counters[key]
  try {
    seen.results.push(Number(await client.call('INCR', key)))
  } catch (error) {
    requireUnknown(error)
    seen.unknown += 1
  }
}

async function push(): Promise<void> {
  const key = `list:${random.below(job.lists)}`
  report.lists[key] ??= { acked: [], unknown: [] }
  const seen = report.lists[key]
  const number = job.worker * 1e9 + ++serial
  try {
    await client.call('RPUSH', key, number)
    seen.acked.push(number)
  } catch (error) {
    requireUnknown(error)
    seen.unknown.push(number)
  }
}

function requireUnknown(error: unknown): void {
  if (!(error instanceof UnknownOutcomeError)) throw error
  report.unknown += 1
}

/** ms of the one clock of all processes of the machine that nobody sets while they run. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
