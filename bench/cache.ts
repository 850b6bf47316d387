/**
 * The cache library's targets, measured, with other libraries in the same run where they are there:
 *
 *   npm install --prefix RIVALS bentocache@1.6.1 cacheable@2.5 @keyv/redis@5.1.6 cache-manager@7.2.9 keyv@5.6 \
 *     async-cache-dedupe@3.4 layered-loader@14.2.2 ioredis@5.11.1 lru-cache@11
 *   CACHE_RIVALS=RIVALS node dist/bench/cache.js [stampede|hit|memory|ratio|l2|trips|frozen|stale|socket|recovery|zipf] …
 *
 * What others on the machine do changes neither CPU times of this process nor counts; latencies are taken in turns with
 * what they are held against.
 */
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { staleReads, zipfOverTtl } from './support/cache-load.js'
import { awaitedHits, hitRatio, memory } from './support/cache-memory.js'
import { frozenNode, killedSocket, lookups, roundTrips } from './support/cache-node.js'
import { recovery } from './support/cache-recovery.js'
import { rivalNames, rivalsFolder } from './support/cache-rivals.js'
import { header, print } from './support/report.js'
import { runStampede } from './support/stampede.js'
import { printTargets, report } from './support/targets.js'

const wanted = process.argv.slice(2)
const wants = (part: string) => wanted.length === 0 || wanted.includes(part)

header('the cache library beside its targets')
if (!rivalsFolder())
  print('CACHE_RIVALS is not set: without other libraries (the head of bench/cache.ts says how)\n')
if (wants('stampede')) await withServers(1, stampedes)
if (wants('hit')) await withServers(1, awaitedHits)
if (wants('memory')) await memory()
if (wants('ratio')) hitRatio()
if (wants('l2')) await withServers(1, lookups)
if (wants('trips')) await withServers(2, roundTrips)
if (wants('frozen')) await withServers(1, frozenNode)
if (wants('stale')) await withServers(2, staleReads)
if (wants('socket')) await withServers(1, killedSocket)
if (wants('recovery')) await withServers(2, recovery)
if (wants('zipf')) await withServers(2, zipfOverTtl)
printTargets()
process.exit()

async function withServers(count: number, body: (servers: TestServers) => Promise<void>): Promise<void> {
  const servers = await startServers(count)
  try {
    await body(servers)
  } catch (error) {
    print(`failed: ${error instanceof Error ? error.stack : String(error)}`)
    process.exitCode = 1
  } finally {
    await servers.stop()
  }
}

async function stampedes({ servers }: TestServers): Promise<void> {
  const port = servers[0]!.port
  for (const fails of [false, true]) {
    const shape = fails
      ? { port, processes: 1, callers: 1_000, loadMs: 10, fails, rounds: 1 }
      : { port, processes: 4, callers: 1_000, loadMs: 50, fails, rounds: 3 }
    const ours = await runStampede({ ...shape, name: 'cachectl' })
    const rivals: string[] = []
    for (const name of rivalsFolder() ? rivalNames : []) {
      const found = await runStampede({ ...shape, name }).catch(() => undefined)
      rivals.push(
        found ? `${name} ${found.loads.join('/')} in ${found.slowestMs.toFixed(0)} ms` : `${name} failed`,
      )
    }
    report({
      what: fails
        ? '1 process × 1,000 callers, a loader that throws after 10 ms: calls'
        : '4 processes × 1,000 callers on one cold key: loads, three rounds',
      ours: `${ours.loads.join('/')} in ${ours.slowestMs.toFixed(0)} ms`,
      rival: rivals.join(', ') || '–',
      target: '1',
      holds: ours.loads.every((count) => count === 1),
      ...(ours.detours > 0
        ? { note: `${ours.detours} of the loads because a node took longer than 50 ms` }
        : {}),
    })
  }
}
