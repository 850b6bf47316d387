/**
 * Write-behind at length: what a put costs beside a plain SET, how much is coalesced; then processes are killed with
 * kill -9 at random moments under load, and the source goes away for a while. Nothing that was acknowledged may be missing.
 *
 *   node dist/bench/write-behind.js [kills 50] [away seconds 30] [postgres|redis] [copies 1|2] [seed]
 */
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { systemClock } from '../src/clock.js'
import { createCache } from '../src/index.js'
import { createRandom, freshSeed } from '../src/random.js'
import { openConnection } from '../src/redis/resp-connection.js'
import { postgresSource } from '../src/sources/postgres.js'
import { BehindProcess } from '../test/support/behind-process.js'
import { assertArrived, awayName, openSource } from '../test/support/behind-source.js'
import { findPostgres, startPostgres } from '../test/support/postgres.js'
import { startServers } from '../test/support/redis-servers.js'
import { header, print } from './support/report.js'

const kills = Number(process.argv[2] ?? 50)
const awaySeconds = Number(process.argv[3] ?? 30)
const kind = process.argv[4] ?? 'postgres'
const copies = process.argv[5] === '2' ? 2 : 1
const random = createRandom(Number(process.argv[6] ?? freshSeed()))
const binaries = kind === 'postgres' ? await findPostgres() : undefined
if (kind === 'postgres' && !binaries)
  throw new Error('there is no PostgreSQL here: give redis as the third argument')

header(
  `write-behind: ${kills} kills, source away ${awaySeconds} s, ${kind}, ${copies} copies, seed ${random.seed}`,
)
const servers = await startServers(3)
const postgres = binaries ? await startPostgres(binaries) : undefined
const [sourceServer, ...nodes] = servers.servers
const ring = nodes.map(({ url }) => url)
const source = postgres?.url ?? sourceServer!.url
if (postgres) {
  const table = postgresSource<number>({ connectionString: postgres.url, table: 'behind' })
  await table.setUp({ table: true })
  await table.close()
}
try {
  await costs()
  await killed()
} finally {
  await postgres?.stop()
  await servers.stop()
}

async function commands(): Promise<number> {
  let sum = 0
  for (const index of [1, 2]) {
    const info = String(await (await servers.connect(index)).call('INFO', 'commandstats'))
    for (const [, calls] of info.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)) sum += Number(calls)
  }
  return sum
}

/** One after the other, so that each figure is a round trip. */
async function costs(): Promise<void> {
  const truth = await openSource(source)
  const cache = createCache<number>({
    ...{ ring, ttl: '10m', namespace: 'cost', load: truth.load, write: truth.write },
    behind: { delay: '1h', copies },
  })
  const plain = await openConnection({ node: nodes[0]!.node })
  const times = { set: [] as number[], put: [] as number[] }
  const timed = async (into: number[], act: () => Promise<unknown>) => {
    const startedMs = performance.now()
    await act()
    into.push((performance.now() - startedMs) * 1000)
  }
  const rounds = 20_000
  const keyCount = 2_000
  for (let index = 0; index < 500; index++) await cache.set(`c${index % keyCount}`, index)
  const before = await commands()
  for (let index = 0; index < rounds; index++) {
    await timed(times.set, () => plain.call('SET', `plain:${index % keyCount}`, String(index)))
    await timed(times.put, () => cache.set(`c${index % keyCount}`, index))
  }
  const putTrips = (await commands()) - before
  const flushedBefore = cache.stats.flushed
  const atFlush = await commands()
  await cache.flush()
  const flushed = cache.stats.flushed - flushedBefore
  const flushTrips = (await commands()) - atFlush
  const p50 = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]!
  print(
    `put p50 ${p50(times.put).toFixed(0)} µs, plain SET ${p50(times.set).toFixed(0)} µs; ${(putTrips / rounds).toFixed(3)} scripts a put`,
  )
  print(
    `${rounds + 500} puts became ${flushed} writes (× ${((rounds + 500) / flushed).toFixed(1)}); ${(flushTrips / flushed).toFixed(3)} scripts a key flushed`,
  )
  await cache.close()
  plain.close()
  await truth.close()
}

async function killed(): Promise<void> {
  const truth = await openSource(source)
  const acked = new Map<string, number>()
  let puts = 0
  let largestLagMs = 0
  let largestPending = 0
  const survivor = createCache<number>({
    ...{ ring, ttl: '10m', namespace: 'behind', l1: false, load: truth.load, write: truth.write },
    behind: { delay: 100, copies },
    timeout: { load: '30s' },
  })
  await survivor.get('k0')
  const start = (index: number) =>
    new BehindProcess(
      {
        ...{ ring, source, keyCount: 2_000, loops: 16, start: index * 1e9 },
        ...{ delayMs: 100, copies, pauseMs: 2 },
      },
      acked,
    )
  const awayAt = Math.floor(kills / 2)
  for (let kill = 0; kill < kills; kill++) {
    const worker = start(kill)
    if (kill === awayAt) await away(worker)
    for (let tries = 0; worker.puts === 0 && tries < 1_000; tries++) await systemClock.sleep(10)
    await systemClock.sleep(100 + random.below(900))
    largestLagMs = Math.max(largestLagMs, survivor.stats.lagMs)
    largestPending = Math.max(largestPending, survivor.stats.pending)
    await worker.kill()
    puts += worker.puts
  }
  const drainedMs = performance.now()
  for (const index of [1, 2]) {
    const node = await servers.connect(index)
    for (let tries = 0; (await node.call('HLEN', '__cachectl:journal:behind')) !== 0; tries++) {
      assert.ok(tries < 6_000, 'the journals do not get empty')
      await systemClock.sleep(10)
    }
  }
  print(
    `${kills} kills under load, ${puts} acknowledged puts on ${acked.size} keys; drained ${Math.round(performance.now() - drainedMs)} ms after the last`,
  )
  print(`largest lag seen ${Math.round(largestLagMs)} ms, most that waited ${largestPending}`)
  const history = postgres ? await rows() : await truth.history()
  assertArrived(acked, history)
  print('lost: 0; every key in order')
  await survivor.close()
  await truth.close()

  async function away(worker: BehindProcess): Promise<void> {
    const control = await servers.connect(0)
    if (postgres) await postgres.kill()
    else await control.call('SET', awayName, 1)
    const before = worker.puts
    const rssBefore = process.memoryUsage().rss
    for (let second = 0; second < awaySeconds; second++) {
      await systemClock.sleep(1_000)
      largestLagMs = Math.max(largestLagMs, survivor.stats.lagMs)
      largestPending = Math.max(largestPending, survivor.stats.pending)
    }
    const grownMiB = (process.memoryUsage().rss - rssBefore) / 2 ** 20
    print(
      `source away ${awaySeconds} s: ${worker.puts - before} puts acknowledged meanwhile, lag ${Math.round(survivor.stats.lagMs)} ms, ${survivor.stats.pending} wait, memory ${grownMiB.toFixed(0)} MiB more`,
    )
    if (postgres) await postgres.restart()
    else await control.call('DEL', awayName)
    const startedMs = performance.now()
    while (survivor.stats.lagMs > 2_000) await systemClock.sleep(20)
    print(`caught up ${Math.round(performance.now() - startedMs)} ms after it came back`)
  }
}

async function rows(): Promise<Map<string, { value: number; seq: bigint }[]>> {
  const found = await postgres!.query('SELECT key, value::text AS value FROM behind')
  return new Map(found.map(({ key, value }) => [String(key), [{ value: Number(value), seq: 0n }]]))
}
