/**
 * `cachectl bench` against redis-benchmark on one node: the same keys, sizes and connections, interleaved, medians.
 * Then the hit ratio of a real trace, where one is given: an exact LRU, and a Redis that evicts at the same size.
 *
 *   node dist/bench/load.js [TRACE.csv.gz ENTRIES]
 */
import { type CliResult, runCli } from '../test/support/cli.js'
import { startServers } from '../test/support/redis-servers.js'
import { runRedisBenchmark } from './support/redis-benchmark.js'
import { header, median, print } from './support/report.js'

const rounds = 5
const keyCount = 100_000
const valueBytes = 100
const seconds = 3

header(`load: 50 connections, ${keyCount.toLocaleString('en')} keys of ${valueBytes} B, GET, all hits`)
await throughput()
const [tracePath, entries] = process.argv.slice(2)
if (tracePath && entries) await hitRatios(tracePath, Number(entries))

async function throughput(): Promise<void> {
  const servers = await startServers(1)
  try {
    const { port } = servers.servers[0]!
    const file = await servers.topologyFile()
    const range = ['-r', String(keyCount), '-d', String(valueBytes), '-c', '50']
    await runRedisBenchmark(port, [...range, '-t', 'set', '-n', String(12 * keyCount), '-P', '32'])
    const load = [
      '--keys',
      String(keyCount),
      '--value-bytes',
      String(valueBytes),
      '--read-ratio',
      '1',
      '--keep',
    ]
    assertOk(await runCli(['bench', '-t', file, ...load, '--fill', '--duration', '1s', '--json']))
    for (const [pipeline, goal] of [
      [1, 0.7],
      [16, 0.4],
    ] as const) {
      const ours: number[] = []
      const theirs: number[] = []
      const p99s: [number, number][] = []
      for (let round = 0; round < rounds; round++) {
        // requests that take the peer about as long as ours
        const count = String(seconds * (pipeline === 1 ? 80_000 : 500_000))
        const peer = await runRedisBenchmark(port, [
          ...range,
          '-t',
          'get',
          '-n',
          count,
          '-P',
          String(pipeline),
        ])
        const shape = ['--connections', '50', '--pipeline', String(pipeline), '--duration', `${seconds}s`]
        const own = assertOk(await runCli(['bench', '-t', file, ...load, ...shape, '--json']))
        ours.push(own.throughputPerSec)
        theirs.push(peer.throughputPerSec)
        p99s.push([own.latency.p99Ms, peer.p99Ms])
      }
      const [own, peer] = [median(ours), median(theirs)]
      print(
        `pipeline ${String(pipeline).padEnd(2)}  cachectl ${rate(own)}, redis-benchmark ${rate(peer)}: ` +
          `${(own / peer).toFixed(2)} × (goal ≥ ${goal}); p99 ${median(p99s.map(([a]) => a)).toFixed(2)} and ${median(p99s.map(([, b]) => b)).toFixed(2)} ms`,
      )
    }
  } finally {
    await servers.stop()
  }
}

async function hitRatios(path: string, capacity: number): Promise<void> {
  const exact = assertOk(await runCli(['bench', '--trace', path, '--target', `lru:${capacity}`, '--json']))
  print(`\n${path.split('/').at(-1)}, ${capacity} entries: exact LRU ${exact.hitRatio.toFixed(4)}`)
  const servers = await startServers(1)
  try {
    const file = await servers.topologyFile()
    const connection = await servers.connect(0)
    // large values, so that the connections' buffers do not count; and slow: Redis knows recency to a second
    const size = ['--value-bytes', '20000', '--connections', '1']
    const full = ['--keys', String(capacity), '--fill', '--read-ratio', '1', '--requests', '1000', '--keep']
    assertOk(await runCli(['bench', '-t', file, ...full, ...size, '--json']))
    const info = String(await connection.call('INFO', 'memory'))
    const usedBytes = Number(/used_memory:(\d+)/.exec(info)![1])
    await connection.call('FLUSHALL')
    await connection.call('CONFIG', 'SET', 'maxmemory', usedBytes, 'maxmemory-policy', 'allkeys-lru')
    const redis = assertOk(await runCli(['bench', '-t', file, '--trace', path, ...size, '--keep', '--json']))
    const held = await connection.call('DBSIZE')
    print(
      `Redis with allkeys-lru and memory for them: ${redis.hitRatio.toFixed(4)} (${held} keys at the end)`,
    )
  } finally {
    await servers.stop()
  }
}

function assertOk(result: CliResult): ReturnType<typeof JSON.parse> {
  if (result.exitCode !== 0) throw new Error(result.stdout + result.stderr)
  return JSON.parse(result.stdout)
}

function rate(perSec: number): string {
  return `${Math.round(perSec).toLocaleString('en')}/s`
}
