/**
 * What a stall of one second looks like: 5,000 requests/s for 20 s, and the server stands still (SIGSTOP) in the middle.
 * Those due in the stall wait for its rest, which gives the quantiles that a load tool should report. Beside them the
 * answers of memtier_benchmark at the same rate and of redis-benchmark, which knows no rate, to the same stall.
 *
 *   node dist/bench/stall.js [ROUNDS]
 */
import { systemClock } from '../src/clock.js'
import { runCli } from '../test/support/cli.js'
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { pinServers } from './support/load-runs.js'
import { findMemtier, runMemtier } from './support/memtier.js'
import { runRedisBenchmark } from './support/redis-benchmark.js'
import { header, print } from './support/report.js'

const rounds = Number(process.argv[2] ?? 3)
const perSec = 5_000
const seconds = 20
const stallMs = 1_000
/** Load has run this long when the server stops. */
const calmSec = 6

header(`a stall of ${stallMs} ms: ${perSec.toLocaleString('en')} requests/s for ${seconds} s, 50 connections`)
const servers = await startServers(1)
try {
  pinServers(servers, 0)
  const memtier = findMemtier()
  for (let round = 0; round < rounds; round++) {
    await ours(servers, [])
    await ours(servers, ['--max-in-flight', '50'])
    if (memtier) await theirs(servers, memtier)
    await simple(servers)
  }
} finally {
  await servers.stop()
}

/** Sent when they are due, requests of a stall wait at the server; with one for each connection they wait to be sent. */
async function ours(target: TestServers, bound: readonly string[]): Promise<void> {
  const load = ['--rate', `${perSec}`, '--duration', `${seconds}s`, '--keys', '10000', '--fill', '--keep']
  const file = await target.topologyFile()
  const run = runCli(['bench', '-t', file, ...load, ...bound, '--json'])
  const stalledMs = await stallOnce(target, perSec)
  const { stdout, stderr, exitCode } = await run
  if (exitCode !== 0) throw new Error(stdout + stderr)
  const { latency, unsent, achievedShare } = JSON.parse(stdout)
  const due = waitsOf(stalledMs)
  const line = (name: string, got: number, wanted: number) =>
    `${name} ${got.toFixed(0)} ms (schedule ${wanted.toFixed(0)}: ${((got / wanted - 1) * 100).toFixed(1)} %)`
  print(
    `cachectl ${bound.join(' ')}: ${line('p99', latency.p99Ms, quantileOf(due, 0.99))}, ${line('p99.9', latency.p999Ms, quantileOf(due, 0.999))}; ` +
      `service time p99 ${latency.service.p99Ms.toFixed(2)} ms, p99.9 ${latency.service.p999Ms.toFixed(0)} ms; ` +
      `${unsent} unsent, achieved ${(achievedShare * 100).toFixed(2)} %; goal ≤ 3 %`,
  )
}

async function theirs(target: TestServers, memtier: string): Promise<void> {
  const limited = ['-t', '1', '-c', '50', `--rate-limiting=${perSec / 50}`, `--test-time=${seconds}`]
  const keys = ['--key-minimum=1', '--key-maximum=10000', '--ratio=1:10', '-d', '32']
  const run = runMemtier(memtier, target.servers[0]!.port, [...limited, ...keys], undefined)
  const stalledMs = await stallOnce(target, perSec)
  const { p50Ms, p99Ms, p999Ms, throughputPerSec } = await run
  const due = waitsOf(stalledMs)
  print(
    `memtier --rate-limiting: p50 ${p50Ms} ms, p99 ${p99Ms} ms (schedule ${quantileOf(due, 0.99).toFixed(0)}), ` +
      `p99.9 ${p999Ms} ms (${quantileOf(due, 0.999).toFixed(0)}); sent ${Math.round(throughputPerSec).toLocaleString('en')}/s`,
  )
}

async function simple(target: TestServers): Promise<void> {
  const run = runRedisBenchmark(target.servers[0]!.port, ['-t', 'get', '-c', '50', '-n', '1000000'])
  await stallOnce(target, 20_000)
  const { p99Ms, maxMs, throughputPerSec } = await run
  print(
    `redis-benchmark: p99 ${p99Ms} ms, max ${maxMs} ms, ${Math.round(throughputPerSec).toLocaleString('en')}/s`,
  )
}

/** Once `calmSec` of a load of at least `rate` have been answered the server stands still; for how long it did, ms. */
async function stallOnce(target: TestServers, rate: number): Promise<number> {
  const connection = await target.connect(0)
  const { pid } = target.servers[0]!
  const commands = async () =>
    Number(/total_commands_processed:(\d+)/.exec(String(await connection.call('INFO', 'stats')))![1])
  const before = await commands()
  while ((await commands()) < before + calmSec * rate) await systemClock.sleep(50)
  process.kill(pid, 'SIGSTOP')
  const stoppedMs = systemClock.nowMs()
  await systemClock.sleep(stallMs)
  process.kill(pid, 'SIGCONT')
  return systemClock.nowMs() - stoppedMs
}

/** Of every request of the schedule, how long it waits for the end of the stall, longest first. */
function waitsOf(stalledMs: number): Float64Array {
  const waits = new Float64Array(perSec * seconds)
  const gapMs = 1_000 / perSec
  for (let index = 0; index * gapMs < stalledMs; index++) waits[index] = stalledMs - index * gapMs
  return waits
}

function quantileOf(longestFirst: Float64Array, quantile: number): number {
  return longestFirst[longestFirst.length - Math.ceil(quantile * longestFirst.length)]!
}
