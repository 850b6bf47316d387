/** Several processes of ring clients under a change, and the verdict on what they saw. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RingClient } from '../../src/redis/ring-client.js'
import { isLinearizable } from './linearizable.js'
import type { WorkerJob, WorkerReport } from './ring-worker.js'

export interface Workload {
  readonly processes: readonly ChildProcess[]
  stop(): Promise<WorkerReport[]>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export async function startWorkload(count: number, job: Omit<WorkerJob, 'worker'>): Promise<Workload> {
  const path = fileURLToPath(new URL('./ring-worker.js', import.meta.url))
  const processes = Array.from({ length: count }, (_, worker) =>
    fork(path, [JSON.stringify({ ...job, worker } satisfies WorkerJob)]),
  )
  for (const child of processes) running.add(child)
  await Promise.all(processes.map((child) => once(child, 'message')))
  return {
    processes,
    stop: () =>
      Promise.all(
        processes.map(async (child) => {
          const ended = once(child, 'message')
          child.send('stop')
          const [report] = (await ended) as [WorkerReport]
          return report
        }),
      ),
  }
}

export interface Verdict {
  readonly operations: number
  readonly unknown: number
  readonly fixedReads: number
}

/** Every promise, checked against what the processes saw and what the ring holds at the end. */
export async function judge(reports: readonly WorkerReport[], client: RingClient): Promise<Verdict> {
  assert.deepEqual(
    reports.flatMap(({ failures }) => failures),
    [],
  )
  assert.equal(total(reports, 'fixedMisses'), 0, 'reads of existing keys that missed')
  await judgeRegisters(reports, client)
  await judgeCounters(reports, client)
  await judgeLists(reports, client)
  return {
    operations: total(reports, 'operations'),
    unknown: total(reports, 'unknown'),
    fixedReads: total(reports, 'fixedReads'),
  }
}

async function judgeRegisters(reports: readonly WorkerReport[], client: RingClient): Promise<void> {
  const keys = new Set(reports.flatMap(({ registers }) => Object.keys(registers)))
  for (const key of keys) {
    const history = reports
      .flatMap(({ registers }) => registers[key] ?? [])
      .map((each) => ({ ...each, returned: each.returned ?? Number.POSITIVE_INFINITY }))
    const last = await client.call('GET', key)
    const end = Math.max(...history.map(({ called, returned }) => (returned < 1e300 ? returned : called))) + 1
    const finalRead = { kind: 'get' as const, answer: last === null ? null : String(last) }
    assert.ok(
      isLinearizable([...history, { effect: finalRead, called: end, returned: end + 1 }]),
      `${key} is not linearizable: ${JSON.stringify(history)} then ${String(last)}`,
    )
  }
}

async function judgeCounters(reports: readonly WorkerReport[], client: RingClient): Promise<void> {
  const keys = new Set(reports.flatMap(({ counters }) => Object.keys(counters)))
  for (const key of keys) {
    const results = reports.flatMap(({ counters }) => counters[key]?.results ?? [])
    const unknown = reports.reduce((sum, { counters }) => sum + (counters[key]?.unknown ?? 0), 0)
    assert.equal(new Set(results).size, results.length, `${key}: one INCR result twice`)
    const value = Number((await client.call('GET', key)) ?? 0)
    assert.ok(
      value >= results.length && value <= results.length + unknown,
      `${key}: ${value} after ${results.length} acknowledged and ${unknown} unknown INCR`,
    )
    assert.ok(Math.max(0, ...results) <= value, `${key} went back`)
  }
}

async function judgeLists(reports: readonly WorkerReport[], client: RingClient): Promise<void> {
  const keys = new Set(reports.flatMap(({ lists }) => Object.keys(lists)))
  for (const key of keys) {
    const reply = await client.call('LRANGE', key, 0, -1)
    const held = (Array.isArray(reply) ? reply : []).map(Number)
    assert.equal(new Set(held).size, held.length, `${key}: an element twice`)
    const there = new Set(held)
    const acked = reports.flatMap(({ lists }) => lists[key]?.acked ?? [])
    const unknown = new Set(reports.flatMap(({ lists }) => lists[key]?.unknown ?? []))
    for (const number of acked) assert.ok(there.has(number), `${key}: ${number} was acknowledged and is lost`)
    const known = new Set(acked)
    for (const number of held)
      assert.ok(known.has(number) || unknown.has(number), `${key}: ${number} was never pushed`)
  }
}

function total(
  reports: readonly WorkerReport[],
  field: 'operations' | 'unknown' | 'fixedReads' | 'fixedMisses',
): number {
  return reports.reduce((sum, report) => sum + report[field], 0)
}
