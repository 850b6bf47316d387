/**
 * A million keys on three nodes under eight processes of clients at a steady 10,000 operations a second: a fourth node
 * joins, a weight changes, a node leaves. Every history must be linearizable, no operation may fail, no existing key may
 * be missed, and the ring must be clean at the end.
 *
 *   node dist/bench/live-change.js [RUNS] [SEED] [--cache]
 *
 * `--cache`: the same changes under eight processes with the cache library (L1 on) over a source of truth: no read may be
 * older than what was acknowledged a second before it began, and all must agree in the end.
 */
import assert from 'node:assert/strict'
import { systemClock } from '../src/clock.js'
import { loadTopology } from '../src/files/topology-file.js'
import { openRing } from '../src/open-ring.js'
import { freshSeed } from '../src/random.js'
import { buildRing } from '../src/ring/build-ring.js'
import { playCacheChange } from '../test/support/cache-live-change.js'
import { runCli } from '../test/support/cli.js'
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { judge, startWorkload } from '../test/support/ring-workload.js'
import { header, print } from './support/report.js'

const keyCount = 1_000_000
const processCount = 8
const opsPerSec = 10_000
const isCache = process.argv.includes('--cache')
const [runsText, seedText] = process.argv.slice(2).filter((arg) => !arg.startsWith('--'))
const runs = Number(runsText ?? 1)
const firstSeed = Number(seedText ?? freshSeed())

header(
  `live changes: ${keyCount.toLocaleString('en')} keys, ${processCount} processes, ${opsPerSec} operations/s`,
)
for (let run = 0; run < runs; run++) await (isCache ? playCaches : play)(firstSeed + run)

async function playCaches(seed: number): Promise<void> {
  const verdict = await playCacheChange({
    ...{ seed, processes: processCount, keys: 2_000, isRebalanced: true },
    ...{ writeShare: 0.02, pauseMs: 4 },
  })
  const { reads, writes, loads, behind, mostBehindMs, unacknowledged, slowestReadMs } = verdict
  print(
    `seed ${seed}: ${reads.toLocaleString('en')} reads, none older than a second, ${behind} while news travelled ` +
      `(${mostBehindMs.toFixed(0)} ms at most); ${writes} writes, ${unacknowledged} unacknowledged, ${loads} loads; ` +
      `longest read ${slowestReadMs.toFixed(0)} ms; all agree in the end`,
  )
}

async function play(seed: number): Promise<void> {
  const servers = await startServers(4)
  try {
    const file = await servers.topologyFile({ count: 3 })
    await fill(servers, file)
    await change(['ring', 'apply', '-t', file, '--yes'])
    const client = await openRing(file)
    const workload = await startWorkload(processCount, {
      topologyFile: file,
      seed,
      loops: 4,
      opsPerSec: opsPerSec / processCount,
      registers: 4_000,
      counters: 100,
      lists: 100,
      fixedKeys: keyCount,
    })
    const n4 = `n4=${servers.servers[3]!.url}`
    const told: string[] = []
    for (const args of [
      ['add', n4],
      ['rebalance', 'n1=3'],
      ['remove', 'n2'],
    ]) {
      const { movedKeyCount, keysPerSec } = await change(['ring', ...args, '-t', file, '--yes', '--json'])
      told.push(`${args[0]} ${movedKeyCount} keys at ${Math.round(keysPerSec).toLocaleString('en')}/s`)
    }
    const reports = await workload.stop()
    const { operations, unknown, fixedReads } = await judge(reports, client)
    await client.close()
    await change(['ring', 'check', '-t', file, '--json'])
    print(
      `seed ${seed}: ${told.join(', ')}; ${operations.toLocaleString('en')} operations, 0 violations, 0 failures, ` +
        `${unknown} unknown, ${fixedReads.toLocaleString('en')} reads of existing keys all hit, ring clean; ` +
        `clients' p99 ${Math.max(...reports.map(({ p99Ms }) => p99Ms)).toFixed(1)} ms, longest ${Math.max(...reports.map(({ maxMs }) => maxMs)).toFixed(0)} ms`,
    )
  } finally {
    await servers.stop()
  }
}

async function fill(servers: TestServers, file: string): Promise<void> {
  const { topology } = await loadTopology(file)
  const ring = buildRing(topology)
  const connections = await Promise.all([0, 1, 2].map((index) => servers.connect(index)))
  for (let start = 0; start < keyCount; start += 5_000) {
    const batches: ['SET', string, string][][] = [[], [], []]
    for (let index = start; index < start + 5_000; index++) {
      const key = `fixed:${index}`
      batches[ring.ownerIndex(Buffer.from(key))]!.push(['SET', key, key])
    }
    await Promise.all(connections.map((connection, index) => connection.send(batches[index]!)))
  }
  await systemClock.sleep(0)
}

async function change(args: readonly string[]): Promise<{ movedKeyCount: number; keysPerSec: number }> {
  const { exitCode, stdout, stderr } = await runCli(args)
  assert.equal(exitCode, 0, stdout + stderr)
  return args.includes('--json') ? JSON.parse(stdout) : { movedKeyCount: 0, keysPerSec: 0 }
}
