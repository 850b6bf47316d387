/**
 * Ten processes of the cache library on four nodes; one key takes 30 % of the reads. `hotkeys --auto` starts: how even the
 * nodes' loads become, how soon, and whether the key is let go when it cools. The key is written all the time: no read may be
 * older than what was acknowledged a second before it began.
 *
 *   node dist/bench/hot-auto.js [SEED]
 */
import { systemClock } from '../src/clock.js'
import { freshSeed } from '../src/random.js'
import { staleReads, startCaches } from '../test/support/cache-processes.js'
import type { TaskReport } from '../test/support/cache-worker.js'
import { runCli, startCli } from '../test/support/cli.js'
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { header, print } from './support/report.js'

const nodeCount = 4
const processCount = 10
const keys = 5_000
const hotShare = 0.3
const evenEnough = 1.1
const boundMs = 1_000
const seed = Number(process.argv[2] ?? freshSeed())

header(
  `hotkeys --auto: ${processCount} processes, ${nodeCount} nodes, one key with ${100 * hotShare} % of the reads`,
)
const servers = await startServers(nodeCount + 1)
try {
  await play(servers)
} finally {
  await servers.stop()
}

async function play(all: TestServers): Promise<void> {
  const file = await all.topologyFile({ count: nodeCount })
  const applied = await runCli(['ring', 'apply', '-t', file, '--yes'])
  if (applied.exitCode !== 0) throw new Error(applied.stderr)
  const job = { ring: file, sourcePort: all.servers[nodeCount]!.port, loadMs: 1, l1: 'hot' } as const
  const { processes, stop } = await startCaches(Array.from({ length: processCount }, () => job))
  const stress = (share: number) =>
    processes.map((process, index) =>
      process.run({
        kind: 'stress',
        ...{ seed: seed + index, keys, forMs: 600_000, writeShare: 0.0005, pauseMs: 4, hotShare: share },
      }),
    )
  const reports: TaskReport[] = []
  try {
    const hot = stress(hotShare)
    await systemClock.sleep(15_000)
    print(`before            max/mean ${unevenness(await counted(all, 3)).toFixed(2)}`)
    const auto = startCli(['hotkeys', '-t', file, '--auto'])
    const series: number[][] = []
    for (let second = 0; second < 15; second++) series.push(await counted(all, 1))
    print(`with --auto       second by second ${series.map((one) => unevenness(one).toFixed(2)).join(' ')}`)
    const isEven = (_: unknown, at: number) => unevenness(total(series.slice(at, at + 3))) <= evenEnough
    const from = series.findIndex(isEven)
    print(
      from < 0
        ? `                  never at most ${evenEnough} for three seconds`
        : `                  at most ${evenEnough} for three seconds after ${from} s (goal 5 s), ${unevenness(total(series.slice(from))).toFixed(2)} from there to the end`,
    )
    for (const process of processes) process.stop()
    reports.push(...(await Promise.all(hot)))
    const cool = stress(0)
    const cooledMs = systemClock.nowMs()
    while ((await published(file)) > 0 && systemClock.nowMs() - cooledMs < 120_000)
      await systemClock.sleep(250)
    print(
      `the key cools     out of the hot set after ${((systemClock.nowMs() - cooledMs) / 1000).toFixed(1)} s`,
    )
    for (const process of processes) process.stop()
    await Promise.all(cool)
    auto.child.kill('SIGINT')
    print((await auto.result).stdout.trimEnd().replace(/^/gm, '                  | '))
  } finally {
    stop()
  }
  const stale = staleReads(reports)
  const most = stale.reduce((longest, { lateMs }) => Math.max(longest, lateMs), 0)
  const reads = reports.reduce((sum, report) => sum + report.reads.length, 0)
  const writes = reports.reduce((sum, report) => sum + report.writes.length, 0)
  const errors = reports.flatMap((report) => report.errors)
  print(
    `reads of the key  ${reads.toLocaleString('en')}, ${stale.length} while news travelled (${most.toFixed(1)} ms at most), ` +
      `${stale.filter(({ lateMs }) => lateMs > boundMs).length} beyond ${boundMs} ms; ${writes} writes, ${errors.length} errors`,
  )
}

/** The busiest node's commands over the mean of all. */
function unevenness(counts: readonly number[]): number {
  return Math.max(...counts) / (counts.reduce((sum, count) => sum + count, 0) / counts.length)
}

function total(series: readonly (readonly number[])[]): number[] {
  return Array.from({ length: nodeCount }, (_, node) =>
    series.reduce((sum, counts) => sum + counts[node]!, 0),
  )
}

/** Commands of each node in so many seconds. */
async function counted(all: TestServers, seconds: number): Promise<number[]> {
  const before = await commandCounts(all)
  await systemClock.sleep(1_000 * seconds)
  const after = await commandCounts(all)
  return after.map((count, index) => count - before[index]!)
}

async function commandCounts(all: TestServers): Promise<number[]> {
  return Promise.all(
    all.servers.slice(0, nodeCount).map(async (_, index) => {
      const connection = await all.connect(index)
      const info = String(await connection.call('INFO', 'stats'))
      connection.close()
      return Number(/total_commands_processed:(\d+)/.exec(info)?.[1])
    }),
  )
}

async function published(file: string): Promise<number> {
  const { stdout, stderr, exitCode } = await runCli(['hotkeys', 'published', '-t', file, '--json'])
  if (exitCode !== 0) throw new Error(stderr + stdout)
  return (JSON.parse(stdout) as { local: unknown[] }).local.length
}
