/** memtier_benchmark as the peer (https://github.com/RedisLabs/memtier_benchmark), built by whoever runs the comparison. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findTool } from './redis-benchmark.js'
import { runTimed } from './timed-process.js'

export interface PeerRun {
  readonly throughputPerSec: number
  readonly sentCount: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly cpuSeconds: number
}

/** $MEMTIER_BENCHMARK, else from PATH; undefined: not there. */
export function findMemtier(): string | undefined {
  return process.env.MEMTIER_BENCHMARK ?? findTool('memtier_benchmark')?.path
}

export async function runMemtier(
  path: string,
  port: number,
  args: readonly string[],
  cpu: number | undefined,
): Promise<PeerRun> {
  const folder = await mkdtemp(join(tmpdir(), 'cachectl-memtier-'))
  const file = join(folder, 'result.json')
  try {
    const command = [path, '-p', String(port), '--hide-histogram', `--json-out-file=${file}`, ...args]
    const { cpuSeconds, exitCode, stderr } = await runTimed(command, cpu === undefined ? {} : { cpu })
    if (exitCode !== 0) throw new Error(`memtier_benchmark: ${stderr}`)
    const totals = JSON.parse(await readFile(file, 'utf8'))['ALL STATS'].Totals
    const quantiles = totals['Percentile Latencies']
    return {
      throughputPerSec: totals['Ops/sec'],
      sentCount: totals.Count,
      p50Ms: quantiles['p50.00'],
      p99Ms: quantiles['p99.00'],
      p999Ms: quantiles['p99.90'],
      cpuSeconds,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
