/** What `hotkeys` costs the servers while it samples. */
import { execFileSync } from 'node:child_process'
import { systemClock } from '../../src/clock.js'
import type { HotKeysReport } from '../../src/hotkeys/report.js'
import { startCli } from '../../test/support/cli.js'
import type { TestServers } from '../../test/support/redis-servers.js'
import { cpuUse } from './server-cpu.js'

/** All are means over the servers. */
export interface SampledPair {
  /** Of a main thread's time, what the command added. */
  readonly share: number
  /** The same by the command's own account. */
  readonly told: number
  /** Of what the clients' commands cost without it. */
  readonly relative: number
}

/**
 * These processes on one core, this one and what it starts on another: a command that takes time from the load makes it
 * come in fewer, larger pieces, which cost a server less. Returns what takes it back.
 */
export function separate(pids: readonly number[]): () => void {
  const place = (cores: string, pid: number) =>
    execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', cores, String(pid)], { stdio: 'ignore' })
  for (const pid of pids) place('0', pid)
  place('1', process.pid)
  return () => place('0,1', process.pid)
}

const windowMs = 5_000
/** It has started, and knows the nodes. */
const startMs = 2_500

export async function sampledPair(
  servers: TestServers,
  flags: readonly string[],
  isSampledFirst: boolean,
): Promise<SampledPair> {
  const nodes = servers.servers.length
  let told = Number.NaN
  const sampled = async () => {
    const { result } = startCli(['hotkeys', ...flags, '--max-time', `${startMs + windowMs}ms`, '--json'])
    await systemClock.sleep(startMs)
    const use = await cpuUse(servers, windowMs)
    const { stdout, stderr, exitCode } = await result
    if (exitCode !== 0) throw new Error(stdout + stderr)
    const { seconds, sampling } = JSON.parse(stdout) as HotKeysReport
    told = sampling.cost.serverMs / 1000 / seconds / nodes
    return use
  }
  const alone = () => cpuUse(servers, windowMs)
  const first = await (isSampledFirst ? sampled() : alone())
  const second = await (isSampledFirst ? alone() : sampled())
  const [on, off] = isSampledFirst ? [first, second] : [second, first]
  const added = on.nsPerCommand - off.nsPerCommand
  return {
    share: (added * off.commandsPerSec) / 1e9 / nodes,
    told,
    relative: added / off.nsPerCommand,
  }
}
