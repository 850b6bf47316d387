/**
 * `cachectl bench` with everything on against memtier_benchmark and redis-benchmark: one generator thread each, one server
 * each, the same sizes and connections, in turns; medians of the rounds. CPU is that of the whole processes, without what a
 * run of one request costs: Node's start is the same in eight seconds and in an hour. Then the pacing of an open loop, two
 * threads, and memory over time. Last the hit ratio of a real trace, where one is given.
 *
 *   node dist/bench/load.js [throughput|open|threads|memory|trace] … [--trace FILE ENTRIES]
 */
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { bench, fillWithBench, type OwnRun, pinServers, range } from './support/load-runs.js'
import { findMemtier, type PeerRun, runMemtier } from './support/memtier.js'
import { runRedisBenchmark } from './support/redis-benchmark.js'
import { header, median, print } from './support/report.js'
import { hitRatios } from './support/trace-hits.js'

const rounds = 5
const keyCount = 1_000_000
const valueBytes = 32
const seconds = 8
const connections = ['-c', '50']

const traceAt = process.argv.indexOf('--trace')
const wanted = process.argv.slice(2, traceAt < 0 ? undefined : traceAt)
const wants = (part: string) => wanted.length === 0 || wanted.includes(part)

header(
  `load: 50 connections, ${keyCount.toLocaleString('en')} keys of ${valueBytes} B, 1 SET : 10 GET, all hits; ` +
    `${rounds} rounds of ${seconds} s`,
)
const memtier = findMemtier()
if (!memtier)
  print(
    'memtier_benchmark: not found (PATH, or MEMTIER_BENCHMARK=its path); compared with redis-benchmark only\n',
  )
if (wants('throughput')) await withServers(throughput)
if (wants('open')) await withServers(openLoop)
if (wants('threads')) await threads()
if (wants('memory')) await withServers(memory)
if (traceAt > 0) await hitRatios(process.argv[traceAt + 1]!, Number(process.argv[traceAt + 2]))

/** The first server is the peers', the second ours: each was filled in order, and neither holds the other's keys. */
async function withServers(body: (servers: TestServers) => Promise<void>): Promise<void> {
  const servers = await startServers(2)
  try {
    pinServers(servers, 0)
    await body(servers)
  } finally {
    await servers.stop()
  }
}

async function throughput(servers: TestServers): Promise<void> {
  const [theirs] = servers.servers
  const port = theirs!.port
  const shape = [
    '-t',
    '1',
    ...connections,
    '--key-minimum=1',
    `--key-maximum=${keyCount}`,
    '-d',
    `${valueBytes}`,
  ]
  if (memtier) {
    const fill = ['--ratio=1:0', '--key-pattern=P:P', '-n', 'allkeys', '--pipeline=16']
    await runMemtier(memtier, port, [...shape, ...fill], 1)
  }
  const plain = ['-r', `${keyCount}`, '-d', `${valueBytes}`, '-c', '50']
  await runRedisBenchmark(port, [...plain, '-t', 'set', '-n', `${3 * keyCount}`, '-P', '32'])
  const topology = await fillWithBench(servers, 1, { keyCount, valueBytes })
  const load = [...range({ keyCount, valueBytes }), '--mix', 'get:10,set:1', '--verify', '--keep']
  const start = median(await startSeconds(topology, [...load, ...connections]))
  print(`start of the generator: ${start.toFixed(2)} s of CPU\n`)
  for (const pipeline of [1, 16]) {
    const own: OwnRun[] = []
    const peer: PeerRun[] = []
    const simple: number[] = []
    for (let round = 0; round < rounds; round++) {
      const time = ['--duration', `${seconds}s`, '--pipeline', `${pipeline}`]
      own.push(await bench(topology, [...load, ...connections, ...time], { cpu: 1 }))
      if (memtier) {
        const mix = ['--ratio=1:10', '--key-pattern=R:R', '--distinct-client-seed', `--pipeline=${pipeline}`]
        peer.push(await runMemtier(memtier, port, [...shape, ...mix, `--test-time=${seconds}`], 1))
      }
      const count = `${seconds * (pipeline === 1 ? 80_000 : 500_000)}`
      const gets = [...plain, '-t', 'get', '-n', count, '-P', `${pipeline}`]
      simple.push((await runRedisBenchmark(port, gets)).throughputPerSec)
    }
    compare(pipeline, { own, peer, simple, start })
  }
}

/** CPU seconds of runs that do all but load. */
async function startSeconds(topology: string, load: readonly string[]): Promise<number[]> {
  const seconds: number[] = []
  for (let round = 0; round < 3; round++) {
    const one = ['-n', '1', '--warmup', '0s']
    seconds.push((await bench(topology, [...load, ...one], { cpu: 1 })).cpuSeconds)
  }
  return seconds
}

interface Rounds {
  readonly own: readonly OwnRun[]
  readonly peer: readonly PeerRun[]
  /** Requests a second of redis-benchmark. */
  readonly simple: readonly number[]
  /** CPU seconds of our start. */
  readonly start: number
}

function compare(pipeline: number, { own, peer, simple, start }: Rounds): void {
  const [us, them] = [own, peer].map((runs) => ({
    rate: median(runs.map((run) => run.throughputPerSec)),
    p50: median(runs.map((run) => run.p50Ms)),
    p99: median(runs.map((run) => run.p99Ms)),
    micros: median(runs.map((run) => (run.cpuSeconds / run.sentCount) * 1e6)),
  }))
  const loading = median(own.map((run) => ((run.cpuSeconds - start) / run.sentCount) * 1e6))
  const wrong = own.reduce((sum, { wrong }) => sum + wrong, 0)
  print(`pipeline ${pipeline}: cachectl ${per(us!.rate)}, ${wrong} wrong or stale values`)
  print(`  redis-benchmark (GET) ${per(median(simple))}: ${(us!.rate / median(simple)).toFixed(2)} ×`)
  if (peer.length === 0) return
  const goals = pipeline === 1 ? [1.1, 1.0, 1.1] : [1.0, 1.0, 1.3]
  const line = (what: string, mine: string, other: string, ratio: number, goal: string) =>
    print(`  ${what.padEnd(24)} ${mine} and memtier ${other}: ${ratio.toFixed(2)} × (goal ${goal})`)
  line('throughput', per(us!.rate), per(them!.rate), us!.rate / them!.rate, `≥ ${goals[0]}`)
  line(
    'generator CPU a request',
    `${loading.toFixed(2)} µs`,
    `${them!.micros.toFixed(2)} µs`,
    loading / them!.micros,
    `≤ ${goals[1]}`,
  )
  print(
    `    its start counted in: ${us!.micros.toFixed(2)} µs, ${(us!.micros / them!.micros).toFixed(2)} × (runs of ${seconds} s)`,
  )
  line('p99', `${us!.p99.toFixed(2)} ms`, `${them!.p99.toFixed(2)} ms`, us!.p99 / them!.p99, `≤ ${goals[2]}`)
  print(`  p50 ${us!.p50.toFixed(2)} and ${them!.p50.toFixed(2)} ms`)
}

/** How near to its due time a request is sent, and what a calm server answers in. */
async function openLoop(servers: TestServers): Promise<void> {
  const topology = await fillWithBench(servers, 1, { keyCount: 100_000, valueBytes })
  const load = [...range({ keyCount: 100_000, valueBytes }), '--mix', 'get:10,set:1', '--keep']
  for (const rate of [5_000, 20_000]) {
    const runs: OwnRun[] = []
    for (let round = 0; round < 3; round++)
      runs.push(
        await bench(topology, [...load, ...connections, '--rate', `${rate}`, '--duration', '5s'], { cpu: 1 }),
      )
    const of = (pick: (run: OwnRun) => number) => median(runs.map(pick))
    print(
      `open loop ${per(rate)}: send lag p50 ${(of((run) => run.lagP50Ms) * 1000).toFixed(1)} µs (goal ≤ 5), ` +
        `p99 ${of((run) => run.lagP99Ms).toFixed(2)} ms (goal ≤ .5); response p50 ${of((run) => run.p50Ms).toFixed(3)} ms ` +
        `(goal ≤ .1), p99 ${of((run) => run.p99Ms).toFixed(2)} ms; achieved ${(of((run) => run.achieved) * 100).toFixed(2)} %; ` +
        `the host alone stalled by ${of((run) => run.hostNoiseMs).toFixed(2)} ms at p99.9`,
    )
    if (!memtier) continue
    const { port } = servers.servers[0]!
    const perConnection = Math.round(rate / 50)
    const limited = [
      '-t',
      '1',
      ...connections,
      `--rate-limiting=${perConnection}`,
      '--test-time=5',
      '--ratio=1:10',
    ]
    const peer = await runMemtier(memtier, port, [...limited, '-d', `${valueBytes}`], 1)
    print(
      `  memtier --rate-limiting=${perConnection}: ${per(peer.throughputPerSec)}, p50 ${peer.p50Ms} ms, p99 ${peer.p99Ms} ms`,
    )
  }
}

interface Place {
  readonly topology: string
  readonly runs: Readonly<Record<1 | 2, OwnRun[]>>
}

/**
 * Two threads against two servers: scaling needs four cores; on fewer, the CPU a request tells. And against one, since
 * memtier_benchmark has no ring.
 */
async function threads(): Promise<void> {
  const servers = await startServers(2)
  try {
    const load = [
      ...range({ keyCount: 100_000, valueBytes }),
      '--mix',
      'get:10,set:1',
      '--keep',
      ...connections,
    ]
    const place = async (count: number): Promise<Place> => {
      const topology = await servers.topologyFile({ count, name: `nodes-${count}.yaml` })
      await bench(topology, [...load, '--fill', '--duration', '1s'], {})
      return { topology, runs: { 1: [], 2: [] } }
    }
    const [one, two] = [await place(1), await place(2)]
    const peers = { 1: [] as PeerRun[], 2: [] as PeerRun[] }
    const start = { 1: 0, 2: 0 }
    for (const count of [1, 2] as const)
      start[count] = median(await startSeconds(two.topology, [...load, '--threads', `${count}`]))
    for (let round = 0; round < 3; round++) {
      for (const count of [1, 2] as const) {
        const threaded = ['--threads', `${count}`, '--duration', `${seconds}s`]
        for (const { topology, runs } of [one, two])
          runs[count].push(await bench(topology, [...load, ...threaded], {}))
        if (memtier) peers[count].push(await memtierOf(memtier, servers.servers[0]!.port, count))
      }
    }
    const rate = (count: 1 | 2) => median(two.runs[count].map((run) => run.throughputPerSec))
    const micros = ({ runs }: Place, count: 1 | 2) =>
      median(runs[count].map((run) => ((run.cpuSeconds - start[count]) / run.sentCount) * 1e6))
    const growth = (place: Place) => (micros(place, 2) / micros(place, 1)).toFixed(2)
    print(
      `two threads, two servers: ${(rate(2) / rate(1)).toFixed(2)} × one (goal ≥ 1.7 where there are 4 cores); CPU a request ` +
        `${micros(two, 2).toFixed(2)} and ${micros(two, 1).toFixed(2)} µs: ${growth(two)} × (goal 1)`,
    )
    if (!memtier) return
    const theirs = (count: 1 | 2) => median(peers[count].map((run) => (run.cpuSeconds / run.sentCount) * 1e6))
    print(
      `  on one server ${growth(one)} × the CPU a request, memtier ${(theirs(2) / theirs(1)).toFixed(2)} ×`,
    )
    print(
      `  there with two threads ${micros(one, 2).toFixed(2)} µs, memtier ${theirs(2).toFixed(2)}: ` +
        `${(micros(one, 2) / theirs(2)).toFixed(2)} ×`,
    )
  } finally {
    await servers.stop()
  }
}

function memtierOf(path: string, port: number, threadCount: number): Promise<PeerRun> {
  const shape = ['-t', `${threadCount}`, '-c', `${50 / threadCount}`, '--ratio=1:10', '-d', `${valueBytes}`]
  const keys = ['--key-minimum=1', '--key-maximum=100000', '--key-pattern=R:R']
  return runMemtier(path, port, [...shape, ...keys, `--test-time=${seconds}`], undefined)
}

/** As many requests as an hour of 20,000 a second has, sent as fast as they go. */
async function memory(servers: TestServers): Promise<void> {
  const topology = await fillWithBench(servers, 1, { keyCount: 100_000, valueBytes })
  const load = [
    ...range({ keyCount: 100_000, valueBytes }),
    '--mix',
    'get:10,set:1',
    '--keep',
    ...connections,
  ]
  const { count, residentBytes } = await bench(topology, [...load, '-P', '16', '--duration', '120s'], {
    watchMemory: true,
  })
  const mib = (at: number) =>
    (residentBytes[Math.floor((residentBytes.length - 1) * at)]! / 2 ** 20).toFixed(0)
  print(
    `memory: ${count.toLocaleString('en')} requests in 120 s; resident ${mib(0.1)}, ${mib(0.5)}, ${mib(1)} MiB after 12, 60 and 120 s ` +
      `(most ${(Math.max(...residentBytes) / 2 ** 20).toFixed(0)}; goal ≤ 120 MB for an hour, no growth)`,
  )
}

function per(perSec: number): string {
  return `${Math.round(perSec).toLocaleString('en')}/s`
}
