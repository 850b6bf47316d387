/** Runs of `cachectl bench` as whole processes, for comparisons. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../test/support/cli.js'
import type { TestServers } from '../../test/support/redis-servers.js'
import { canPin, runTimed } from './timed-process.js'

export interface OwnRun {
  readonly throughputPerSec: number
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuSeconds: number
  /** Those of the warm-up among them: the CPU is that of all. */
  readonly sentCount: number
  /** Wrong and stale values. */
  readonly wrong: number
  readonly lagP50Ms: number
  readonly lagP99Ms: number
  readonly achieved: number
  readonly hostNoiseMs: number
  /** Of the process, twice a second. */
  readonly residentBytes: readonly number[]
}

export async function bench(
  topology: string,
  args: readonly string[],
  options: { cpu?: number; watchMemory?: boolean },
): Promise<OwnRun> {
  const command = [process.execPath, join(root, 'bin/run.js'), 'bench', '-t', topology, ...args, '--json']
  const residentBytes: number[] = []
  const watch = options.watchMemory
    ? setInterval(() => residentBytes.push(...residentOf(topology)), 500)
    : undefined
  const { cpuSeconds, exitCode, stderr, stdout } = await runTimed(command, options)
  clearInterval(watch)
  if (exitCode !== 0) throw new Error(stdout + stderr)
  const result = JSON.parse(stdout)
  const { generator, latency, sendLag, verified } = result
  return {
    throughputPerSec: result.throughputPerSec,
    count: latency.count,
    p50Ms: latency.p50Ms,
    p99Ms: latency.p99Ms,
    cpuSeconds,
    sentCount: latency.count + result.warmup.answered,
    wrong: verified ? verified.wrong + verified.stale : 0,
    lagP50Ms: sendLag?.p50Ms ?? 0,
    lagP99Ms: sendLag?.p99Ms ?? 0,
    achieved: result.achievedShare ?? 1,
    hostNoiseMs: generator.hostNoise.p999Ms,
    residentBytes,
  }
}

/** What the load touches, and keeps. */
export function range({ keyCount, valueBytes }: { keyCount: number; valueBytes: number }): string[] {
  return ['--keys', `${keyCount}`, '--value-bytes', `${valueBytes}`]
}

/** Writes all keys, in order, to one of the servers alone; its topology. */
export async function fillWithBench(
  servers: TestServers,
  index: number,
  size: { keyCount: number; valueBytes: number },
): Promise<string> {
  const only = { ...servers, servers: [servers.servers[index]!] }
  const topology = await servers.topologyFile({
    count: 1,
    name: `only-${index}.yaml`,
    urlOf: () => only.servers[0]!.url,
  })
  await bench(topology, [...range(size), '--fill', '--verify', '--keep', '--duration', '1s'], {})
  return topology
}

export function pinServers({ servers }: TestServers, cpu: number): void {
  if (!canPin) return
  for (const { pid } of servers) spawnSync('taskset', ['-a', '-p', '-c', String(cpu), String(pid)])
}

/** Resident memory of the process whose command line names this topology; Linux. */
function residentOf(topology: string): number[] {
  const found = spawnSync('pgrep', ['-f', `run.js bench -t ${topology}`], { encoding: 'utf8' })
  return found.stdout
    .trim()
    .split('\n')
    .flatMap((pid) => {
      const text = readStatus(pid)
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(text) ?? []
      return /^Name:\s+(node|MainThread)/m.test(text) && kilobytes ? [Number(kilobytes) * 1024] : []
    })
}

function readStatus(pid: string): string {
  try {
    return readFileSync(`/proc/${Number(pid)}/status`, 'utf8')
  } catch {
    return ''
  }
}
