/**
 * How often `bench ab` is wrong, and how often it finds what is there. A/A: the same server against itself; an alarm is
 * false. Planted: B's server is stopped for 1 ms in every 10, which takes a tenth of its capacity; an alarm is right.
 * Beside it the gate that most people write: one run is 10 % worse than one stored run, over the same turns.
 *
 *   node dist/bench/ab-gate.js aa [RUNS [PAIRS [SLICE]]] | planted [RUNS [PAIRS [SLICE]]]
 */
import { systemClock } from '../src/clock.js'
import { runCli } from '../test/support/cli.js'
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { pinServers } from './support/load-runs.js'
import { header, print } from './support/report.js'

const [what = 'aa', runsText, pairs = what === 'aa' ? '8' : '15', slice = what === 'aa' ? '0.25s' : '1s'] =
  process.argv.slice(2)
const runs = Number(runsText ?? (what === 'aa' ? 100 : 20))
const load = [
  '--keys',
  '10000',
  '--value-bytes',
  '100',
  '--connections',
  '20',
  '--mix',
  'get:9,set:1',
  '--fill',
]

interface Metric {
  readonly metric: string
  readonly decision: string | null
}

interface Turn {
  readonly throughputPerSec: number
  readonly p99Ms: number
}

header(`bench ab, ${what}: ${runs} runs of ${pairs} pairs of ${slice}`)
const servers = await startServers(2)
try {
  pinServers(servers, 0)
  await (what === 'planted' ? planted(servers) : sameAgainstItself(servers))
} finally {
  await servers.stop()
}

async function sameAgainstItself(servers: TestServers): Promise<void> {
  const topology = await servers.topologyFile({ count: 1 })
  let alarms = 0
  let changes = 0
  const stored: Turn[] = []
  for (let run = 0; run < runs; run++) {
    const { exitCode, metrics, turns } = await ab(['-t', topology], '', '')
    if (exitCode === 3) alarms += 1
    if (metrics.some(({ decision }) => decision === 'worse' || decision === 'better')) changes += 1
    stored.push(...turns)
    if ((run + 1) % 10 === 0) print(`${run + 1} runs: ${alarms} alarms, ${changes} with any change`)
  }
  print(`\nA/A: ${alarms} false alarms in ${runs} runs (goal ≤ 5 %); any change, better or worse: ${changes}`)
  print(
    `"10 % worse than one stored run", all pairs of turns: throughput ${naive(stored, (a, b) => b.throughputPerSec < 0.9 * a.throughputPerSec)}, ` +
      `p99 ${naive(stored, (a, b) => b.p99Ms > 1.1 * a.p99Ms)} false alarms`,
  )
}

async function planted(servers: TestServers): Promise<void> {
  const a = await servers.topologyFile({ count: 1, name: 'a.yaml' })
  const b = await servers.topologyFile({
    count: 1,
    name: 'b.yaml',
    urlOf: () => servers.servers[1]!.url,
  })
  const slower = slowDown(servers.servers[1]!.pid)
  try {
    let found = 0
    let byThroughput = 0
    let longestMs = 0
    for (let run = 0; run < runs; run++) {
      const startedMs = systemClock.nowMs()
      const { exitCode, metrics, change } = await ab([], `-t ${a}`, `-t ${b}`)
      const tookMs = systemClock.nowMs() - startedMs
      longestMs = Math.max(longestMs, tookMs)
      if (exitCode === 3) found += 1
      if (metrics.some(({ metric, decision }) => metric === 'throughput' && decision === 'worse'))
        byThroughput += 1
      print(
        `${run + 1}: throughput ${change}, ${exitCode === 3 ? 'found' : 'MISSED'}, ${(tookMs / 1000).toFixed(0)} s`,
      )
    }
    print(
      `\nplanted 10 %: found ${found} of ${runs} (goal all), by throughput alone ${byThroughput}; ` +
        `the longest took ${(longestMs / 1000).toFixed(0)} s (goal ≤ 90)`,
    )
  } finally {
    slower.end()
  }
}

async function ab(common: readonly string[], a: string, b: string) {
  const sides = [...(a ? ['--a', a] : []), ...(b ? ['--b', b] : [])]
  const args = ['bench', 'ab', ...common, ...load, '--pairs', pairs, '--slice', slice, ...sides, '--json']
  const { exitCode, stderr, stdout } = await runCli(args)
  if (exitCode !== 0 && exitCode !== 3) throw new Error(stdout + stderr)
  const result = JSON.parse(stdout)
  const metrics: Metric[] = result.comparison.metrics
  const throughput = result.comparison.metrics.find(({ metric }: Metric) => metric === 'throughput')
  return {
    exitCode,
    metrics,
    change: `${((throughput.change.estimate - 1) * 100).toFixed(1)} %`,
    turns: result.pairs.flatMap((pair: { a: Turn; b: Turn }) => [pair.a, pair.b]) as Turn[],
  }
}

function naive(turns: readonly Turn[], isWorse: (stored: Turn, now: Turn) => boolean): string {
  let alarms = 0
  let all = 0
  for (const [index, stored] of turns.entries()) {
    for (const now of turns.slice(index + 1)) {
      all += 1
      if (isWorse(stored, now)) alarms += 1
    }
  }
  return `${((alarms / all) * 100).toFixed(0)} %`
}

/** Stops the process for 1 ms in every 10. */
function slowDown(pid: number): { end(): void } {
  let isEnded = false
  const stop = () => {
    if (isEnded) return
    process.kill(pid, 'SIGSTOP')
    setTimeout(() => {
      process.kill(pid, 'SIGCONT')
      setTimeout(stop, 9)
    }, 1)
  }
  stop()
  return {
    end: () => {
      isEnded = true
    },
  }
}
