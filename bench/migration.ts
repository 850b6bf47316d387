/**
 * How fast keys move, and what their source's clients feel: `ring add` and `ring remove` beside a bare loop of
 * `MIGRATE … KEYS` of 100 over as many keys of the same servers, interleaved; `redis-cli --cluster reshard` of as many
 * keys between two servers in cluster mode; a hash of 160 MB; and a limit on the impact under load.
 *
 *   node dist/bench/migration.js [speed] [big] [impact]
 */
import { execFile } from 'node:child_process'
import { systemClock } from '../src/clock.js'
import type { RespConnection } from '../src/redis/resp-connection.js'
import { buildRing } from '../src/ring/build-ring.js'
import { runCli } from '../test/support/cli.js'
import { startServers, type TestServers, testTopology } from '../test/support/redis-servers.js'
import { type Latency, probing, startProber } from './support/prober.js'
import { findTool } from './support/redis-benchmark.js'
import { header, median, print } from './support/report.js'

const keyCount = 600_000
const rounds = 5
const impactKeyCount = 100_000

const parts = { speed, big: bigHash, impact }
const chosen = process.argv.slice(2)

header(`moving half of ${keyCount.toLocaleString('en')} keys of 32 B`)
for (const [name, part] of Object.entries(parts))
  if (chosen.length === 0 || chosen.includes(name)) await part()

async function speed(): Promise<void> {
  const servers = await startServers(3)
  try {
    const file = await servers.topologyFile({ count: 1 })
    const [source, , other] = await Promise.all([0, 1, 2].map((index) => servers.connect(index)))
    await fill(source!, 'user')
    const ours: number[] = []
    const theirs: number[] = []
    const scanned: number[] = []
    const latencies: Record<'idle' | 'ours' | 'theirs', Latency[]> = { idle: [], ours: [], theirs: [] }
    const { port } = servers.servers[0]!
    const probed = { port }
    for (let round = 0; round < rounds; round++) {
      latencies.idle.push((await probing(probed, () => systemClock.sleep(1_000))).latency)
      const n2 = `n2=${servers.servers[1]!.url}`
      const added = await probing(probed, () => change(['ring', 'add', n2], file))
      latencies.ours.push(added.latency)
      ours.push(added.result)
      ours.push(await change(['ring', 'remove', 'n2'], file))
      const startedMs = systemClock.nowMs()
      const keys = await scan(source!, keyCount / 2)
      const scanMs = systemClock.nowMs() - startedMs
      const loop = await probing(probed, () => migrate(source!, servers.servers[2]!.port, keys))
      latencies.theirs.push(loop.latency)
      theirs.push(loop.result)
      // who moves half of a node's keys has to look at all of them
      scanned.push((1000 * keys.length) / (2 * scanMs + (1000 * keys.length) / loop.result))
      await migrate(other!, port, keys)
    }
    const reshard = await clusterReshard()
    const [own, peer] = [median(ours), median(theirs)]
    print(`cachectl                  ${rate(own)}, source ${told(latencies.ours)}`)
    print(
      `MIGRATE KEYS 100, bare    ${rate(peer)}, source ${told(latencies.theirs)}; idle ${told(latencies.idle)}`,
    )
    print(`the same with its SCAN    ${rate(median(scanned))}`)
    print(`redis-cli reshard         ${rate(reshard)}, three masters`)
    print(
      `cachectl / MIGRATE ${(own / peer).toFixed(2)} × (goal ≥ 1), with its SCAN ${(own / median(scanned)).toFixed(2)} ×; cachectl / redis-cli ${(own / reshard).toFixed(1)} × (goal ≥ 6)`,
    )
  } finally {
    await servers.stop()
  }
}

async function bigHash(): Promise<void> {
  const servers = await startServers(2)
  try {
    const file = await servers.topologyFile({ count: 1 })
    const source = await servers.connect(0)
    const value = 'x'.repeat(100)
    for (let start = 0; start < 1_000_000; start += 1_000) {
      const fields = Array.from({ length: 1_000 }, (_, index) => [`field:${start + index}`, value]).flat()
      await source.call('HSET', 'big', ...fields)
    }
    const mib = Number(await source.call('MEMORY', 'USAGE', 'big')) / 2 ** 20
    const probed = { port: servers.servers[0]!.port }
    const { latency: idle } = await probing(probed, () => systemClock.sleep(3_000))
    // whichever of the two owns it, it goes to n2: n1 leaves
    const n2 = `n2=${servers.servers[1]!.url}`
    const { latency } = await probing(probed, async () => {
      await change(['ring', 'add', n2], file)
      await change(['ring', 'remove', 'n1'], file)
    })
    print(`\na hash of ${mib.toFixed(0)} MiB: source ${told([latency])}; idle ${told([idle])}`)
  } finally {
    await servers.stop()
  }
}

/** 20,000 reads a second on keys that the source keeps: their p99 just before, and during a move that is to spare it. */
async function impact(): Promise<void> {
  const servers = await startServers(2)
  try {
    const file = await servers.topologyFile({ count: 1 })
    const source = await servers.connect(0)
    await fill(source, 'user', impactKeyCount)
    const after = buildRing(testTopology(servers.servers.map(({ node }) => node)))
    const keys = Array.from({ length: 2_000 }, (_, index) => `load:${index}`).filter(
      (key) => after.ownerIndex(Buffer.from(key)) === 0,
    )
    await source.send(keys.map((key) => ['SET', key, 'x'.repeat(32)]))
    const load = { port: servers.servers[0]!.port, perMs: 20, connections: 4, keys }
    const n2 = `n2=${servers.servers[1]!.url}`
    for (const flags of [[], ['--max-impact', 'p99=+20%']]) {
      const prober = await startProber(load)
      try {
        await systemClock.sleep(2_000)
        await prober.lap()
        await systemClock.sleep(5_000)
        const before = await prober.lap()
        const changing = change(['ring', 'add', n2, ...flags], file)
        const target = await servers.connect(1)
        while (Number(await target.call('DBSIZE')) < 2) await systemClock.sleep(20)
        await prober.lap() // the command's start, which an operator's own machine bears
        const keysPerSec = await changing
        const during = await prober.lap()
        const rise = ((during.p99Ms / before.p99Ms - 1) * 100).toFixed(0)
        print(
          `under 20,000 reads/s, ${flags.join(' ') || 'no limit'}: source p99 ${before.p99Ms.toFixed(2)} ms before, ` +
            `${during.p99Ms.toFixed(2)} ms during (${rise} %), ${rate(keysPerSec)}`,
        )
      } finally {
        prober.stop()
      }
      await change(['ring', 'remove', 'n2'], file)
    }
  } finally {
    await servers.stop()
  }
}

async function fill(connection: RespConnection, prefix: string, count = keyCount): Promise<void> {
  for (let start = 0; start < count; start += 5_000) {
    const replies = await connection.send(
      Array.from({ length: 5_000 }, (_, index) => ['SET', `${prefix}:${start + index}`, 'x'.repeat(32)]),
    )
    if (replies.some((reply) => reply !== 'OK')) throw new Error(`not filled: ${String(replies[0])}`)
  }
}

/** Keys a second. The loop's own connections are no clients of the ring. */
async function change(args: readonly string[], file: string): Promise<number> {
  const { exitCode, stdout, stderr } = await runCli([
    ...args,
    '--clients',
    'none',
    '-t',
    file,
    '--yes',
    '--json',
  ])
  if (exitCode !== 0) throw new Error(stdout + stderr)
  return JSON.parse(stdout).keysPerSec
}

async function scan(connection: RespConnection, count: number): Promise<Buffer[]> {
  const keys: Buffer[] = []
  let cursor = '0'
  do {
    const reply = await connection.call('SCAN', cursor, 'MATCH', 'user:*', 'COUNT', 1_000)
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error('SCAN answered something else')
    cursor = String(reply[0])
    keys.push(...reply[1].filter((key) => Buffer.isBuffer(key)))
  } while (cursor !== '0' && keys.length < count)
  return keys.slice(0, count)
}

async function migrate(connection: RespConnection, port: number, keys: readonly Buffer[]): Promise<number> {
  const startedMs = systemClock.nowMs()
  for (let at = 0; at < keys.length; at += 100) {
    await connection.call('MIGRATE', '127.0.0.1', port, '', 0, 5_000, 'KEYS', ...keys.slice(at, at + 100))
  }
  return (keys.length / (systemClock.nowMs() - startedMs)) * 1000
}

async function clusterReshard(): Promise<number> {
  const tool = findTool('redis-cli')
  if (!tool) throw new Error('redis-cli is not installed (Debian: redis-tools)')
  const servers = await startServers(3, { args: ['--cluster-enabled', 'yes'] })
  try {
    const nodes = await Promise.all(servers.servers.map((_, index) => servers.connect(index)))
    const [one, two] = nodes
    await one!.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)
    for (const { port } of servers.servers.slice(1)) await one!.call('CLUSTER', 'MEET', '127.0.0.1', port)
    const [from, to] = [
      String(await one!.call('CLUSTER', 'MYID')),
      String(await two!.call('CLUSTER', 'MYID')),
    ]
    // the nodes are getting to know each other
    for (const node of nodes) {
      while (!isReady(String(await node.call('CLUSTER', 'INFO')))) await systemClock.sleep(50)
    }
    await fill(one!, 'user')
    const startedMs = systemClock.nowMs()
    await reshard(tool, servers, { from, to })
    const moved = Number(await two!.call('DBSIZE'))
    if (moved < keyCount / 3) throw new Error(`redis-cli moved ${moved} keys only`)
    return (moved / (systemClock.nowMs() - startedMs)) * 1000
  } finally {
    await servers.stop()
  }
}

function isReady(info: string): boolean {
  return ['cluster_state:ok', 'cluster_slots_assigned:16384', 'cluster_known_nodes:3'].every((line) =>
    info.includes(line),
  )
}

function reshard(
  tool: { path: string; env: NodeJS.ProcessEnv },
  servers: TestServers,
  { from, to }: { from: string; to: string },
): Promise<void> {
  const args = ['--cluster', 'reshard', `127.0.0.1:${servers.servers[0]!.port}`, '--cluster-from', from]
  const rest = ['--cluster-to', to, '--cluster-slots', '8192', '--cluster-yes']
  return new Promise((resolve, reject) => {
    execFile(tool.path, [...args, ...rest], { env: tool.env, maxBuffer: 2 ** 28 }, (error, stdout) => {
      if (error) reject(new Error(`${error.message}\n${stdout.slice(-500)}`))
      else resolve()
    })
  })
}

function rate(keysPerSec: number): string {
  return `${Math.round(keysPerSec).toLocaleString('en')} keys/s`
}

function told(latencies: readonly Latency[]): string {
  const of = (field: keyof Latency) => median(latencies.map((latency) => latency[field])).toFixed(1)
  return `p99 ${of('p99Ms')} ms, longest ${of('maxMs')} ms`
}
