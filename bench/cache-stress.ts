/**
 * Three processes read and write 50 keys through the cache library over two nodes, as fast as they go, until they have read
 * 150,000 times: how many reads were older than an acknowledged write, and by how long; how many loads a write caused.
 *
 *   node dist/bench/cache-stress.js [RUNS] [SEED]
 */
import { freshSeed } from '../src/random.js'
import { staleReads, startCaches } from '../test/support/cache-processes.js'
import type { TaskReport } from '../test/support/cache-worker.js'
import { startServers } from '../test/support/redis-servers.js'
import { header, print } from './support/report.js'

const wantedReads = 150_000
const keys = 50
const roundMs = 4_000
/** What an invalidation takes on its way, and the machine's own pauses. */
const pushDelayMs = 200

const runs = Number(process.argv[2] ?? 1)
const firstSeed = Number(process.argv[3] ?? freshSeed())

header('stress of the cache library: 3 processes, 2 nodes, 50 keys, 0.5 % writes')
for (let run = 0; run < runs; run++) await play(firstSeed + run)

async function play(seed: number): Promise<void> {
  const servers = await startServers(3)
  const [one, two, source] = servers.servers
  const job = { ring: [one!.url, two!.url], sourcePort: source!.port, loadMs: 1 }
  const { processes, stop } = await startCaches([job, job, job])
  const reports: TaskReport[] = []
  try {
    for (let round = 0; total(reports, ({ readCount }) => readCount) < wantedReads; round++) {
      const task = { kind: 'stress', keys, forMs: roundMs, writeShare: 0.005, pauseMs: 0 } as const
      reports.push(
        ...(await Promise.all(
          processes.map((process, index) => process.run({ ...task, seed: seed + 10 * round + index })),
        )),
      )
    }
  } finally {
    stop()
    await servers.stop()
  }
  const stale = staleReads(reports)
  const beyond = stale.filter(({ lateMs }) => lateMs > pushDelayMs).length
  const writes = total(reports, (report) => report.writes.length)
  const loads = total(reports, (report) => report.loads)
  const errors = total(reports, (report) => report.errors.length)
  const most = stale.reduce((longest, { lateMs }) => Math.max(longest, lateMs), 0)
  print(
    `seed ${seed}: ${total(reports, ({ readCount }) => readCount).toLocaleString('en')} reads, ${stale.length} while news ` +
      `travelled (${most.toFixed(1)} ms at most), ${beyond} beyond ${pushDelayMs} ms; ` +
      `${writes} writes, ${loads} loads: ${((loads - keys) / writes).toFixed(3)} a write beside the first of each key; ${errors} errors`,
  )
}

function total(reports: readonly TaskReport[], count: (report: TaskReport) => number): number {
  return reports.reduce((sum, report) => sum + count(report), 0)
}
