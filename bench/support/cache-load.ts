/** What `bench --strategy` says of the library under a load, as a row of the targets. */
import { runCli } from '../../test/support/cli.js'
import type { TestServers } from '../../test/support/redis-servers.js'
import { report } from './targets.js'

async function load(servers: TestServers, args: readonly string[]) {
  const file = await servers.topologyFile()
  const { stdout, stderr } = await runCli(['bench', '-t', file, '--json', '--allow-lag', ...args])
  const result = JSON.parse(stdout)
  if (result.error) throw new Error(`${result.error.message} ${stderr}`)
  return result
}

/** Three processes that write and read 60 keys. */
export async function staleReads(servers: TestServers): Promise<void> {
  const { cache, source, operations } = await load(servers, [
    ...['--strategy', 'aside', '--processes', '3', '--source', 'simulated:2ms', '--keys', '60'],
    ...['--read-ratio', '0.99', '--duration', '15s', '--connections', '24', '--warmup', '1s'],
  ])
  const { count, late, p50AgeMs, maxAgeMs } = cache.staleReads
  const perWrite = source.loads / operations.set.count
  report({
    what: 'stale reads under writes from 3 processes (60 keys, aside)',
    ours: `${count} of ${cache.reads.toLocaleString('en')} (age p50 ${p50AgeMs.toFixed(2)}, max ${maxAgeMs.toFixed(1)} ms), ${late} later than 1 s; loads/writes ${perWrite.toFixed(2)}`,
    rival: 'bentocache 1.04 %, layered-loader 2.73 % (cachelibs, not in this run)',
    target: '0 beyond the push delay in ≥ 150,000; loads/writes ≤ 1.05',
    holds: late === 0 && cache.reads >= 150_000 && perWrite <= 1.05,
    note: 'every one counts that began after the write was acknowledged: the push is on its way then',
  })
}

export async function zipfOverTtl(servers: TestServers): Promise<void> {
  const common = [
    ...['--strategy', 'read-through', '--processes', '2', '--source', 'simulated:5ms', '--keys', '1000000'],
    ...['--distribution', 'zipf:0.99', '--read-ratio', '1', '--ttl', '60s', '--l1', '10000', '--fill'],
    ...['--rate', '2000', '--pace', 'low-cpu', '--warmup', '5s', '--duration', '20s', '--connections', '64'],
  ]
  const { cache, throughputPerSec, achievedShare } = await load(servers, [...common, '--stale', '10m'])
  report({
    what: 'zipf 0.99, 1 M keys, TTL 60 s with jitter and early refresh, stale 10 min, L1 10 k, warm: reads that do not wait',
    ours: `${(100 * cache.noWaitRatio).toFixed(3)} %, L2 lookup p50 ${cache.lookup.p50Ms.toFixed(2)}, p99 ${cache.lookup.p99Ms.toFixed(2)} ms`,
    rival: '–',
    target: '≥ 99.9 %, p99 < 1 ms',
    holds: cache.noWaitRatio >= 0.999 && cache.lookup.p99Ms < 1,
    note: `${Math.round(throughputPerSec).toLocaleString('en')}/s, ${(100 * achievedShare).toFixed(1)} % in time; L1 ${(100 * cache.l1HitRatio).toFixed(1)} %, ${cache.refreshes} refreshes`,
  })
}
