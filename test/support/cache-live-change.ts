/** Caches of several processes over a ring that changes under them, and what must hold of what they read. */
import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { type CacheProcesses, staleReads, startCaches } from './cache-processes.js'
import type { TaskReport } from './cache-worker.js'
import { runCli } from './cli.js'
import { type LaggingReplicas, startLaggingReplicas } from './lagging-replicas.js'
import { startServers } from './redis-servers.js'

export interface CacheChangeOptions {
  readonly seed: number
  readonly processes: number
  readonly keys: number
  readonly writeShare: number
  readonly pauseMs: number
  /** A weight changes as well. */
  readonly isRebalanced: boolean
  /** Each of the first nodes has a replica, so many ms behind, and is read there. */
  readonly replicaLagMs?: number
}

export interface CacheChangeVerdict {
  readonly reads: number
  readonly writes: number
  readonly unacknowledged: number
  readonly loads: number
  /** Reads that were older than an acknowledged write, and by how much at most, ms. */
  readonly behind: number
  readonly mostBehindMs: number
  readonly slowestReadMs: number
  /** GETs that the replicas have answered. */
  readonly replicaReads: number
}

/** Nothing that was acknowledged so long ago may be missed. */
const boundMs = 1_000

/** A node joins, and another leaves. */
export async function playCacheChange(options: CacheChangeOptions): Promise<CacheChangeVerdict> {
  const servers = await startServers(5, { args: ['--repl-diskless-sync-delay', '0'] })
  let caches: CacheProcesses | undefined
  let copies: LaggingReplicas | undefined
  try {
    const file = await servers.topologyFile({ count: 3 })
    const { replicaLagMs } = options
    if (replicaLagMs !== undefined) {
      copies = await startLaggingReplicas(servers.servers.slice(0, 3), replicaLagMs)
      await copies.nameIn(file)
    }
    await change(['apply', '-t', file, '--yes'])
    const job = {
      ring: file,
      sourcePort: servers.servers[4]!.port,
      loadMs: 1,
      replicas: copies !== undefined,
    }
    caches = await startCaches(Array.from({ length: options.processes }, () => job))
    const { seed, keys, writeShare, pauseMs } = options
    const running = caches.processes.map((process, index) =>
      process.run({ kind: 'stress', seed: seed + index, keys, forMs: 600_000, writeShare, pauseMs }),
    )
    await systemClock.sleep(300)
    for (const args of [
      ['add', `n4=${servers.servers[3]!.url}`],
      ...(options.isRebalanced ? [['rebalance', 'n1=3']] : []),
      ['remove', 'n2'],
    ]) {
      await change([...args, '-t', file, '--yes'])
    }
    for (const process of caches.processes) process.stop()
    const reports = await Promise.all(running)
    await assertCurrent(caches, await servers.connect(4), keys)
    const replicaReads = (await copies?.readCount()) ?? 0
    return { ...judge(reports), replicaReads }
  } finally {
    caches?.stop()
    await copies?.stop()
    await servers.stop()
  }
}

function judge(reports: readonly TaskReport[]): Omit<CacheChangeVerdict, 'replicaReads'> {
  const unacknowledged = reports.flatMap(({ errors }) => errors)
  // a writer that could not tell a node in time says so; nothing else may fail
  for (const error of unacknowledged) assert.match(error, /no answer within 50 ms|unknown outcome/)
  const behind = staleReads(reports)
  const late = behind.filter(({ lateMs }) => lateMs > boundMs)
  assert.deepEqual(late.slice(0, 5), [])
  const total = (count: (report: TaskReport) => number) =>
    reports.reduce((sum, report) => sum + count(report), 0)
  return {
    reads: total(({ readCount }) => readCount),
    writes: total(({ writes }) => writes.length),
    unacknowledged: unacknowledged.length,
    loads: total(({ loads }) => loads),
    behind: behind.length,
    mostBehindMs: behind.reduce((most, { lateMs }) => Math.max(most, lateMs), 0),
    slowestReadMs: Math.max(...reports.map(({ maxMs }) => maxMs)),
  }
}

/** When all is quiet, every process reads what the source has. */
async function assertCurrent(
  { processes }: CacheProcesses,
  source: { call(command: string, ...args: string[]): Promise<unknown> },
  keys: number,
): Promise<void> {
  // late removals are told, and what nobody vouches for has ended
  await systemClock.sleep(boundMs + 500)
  for (let index = 0; index < Math.min(keys, 200); index++) {
    const key = `k${index}`
    const row = Number((await source.call('GET', `row:${key}`)) ?? 0)
    for (const process of processes) {
      const { versions, errors } = await process.run({ kind: 'get', key })
      assert.deepEqual([versions, errors], [[row], []], key)
    }
  }
}

async function change(args: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await runCli(['ring', ...args])
  assert.equal(exitCode, 0, stdout + stderr)
}
