/** What commands cost a server: the CPU time of its main thread over the commands it has run. */
import { readFileSync } from 'node:fs'
import { systemClock } from '../../src/clock.js'
import type { TestServers } from '../../test/support/redis-servers.js'

export interface CpuReading {
  /** Of all servers' main threads, ns. */
  readonly cpuNs: number
  readonly commands: number
}

export async function readServerCpu(all: TestServers): Promise<CpuReading> {
  const commands = await Promise.all(all.servers.map((_, index) => commandCount(all, index)))
  return {
    cpuNs: all.servers.reduce((sum, { pid }) => sum + mainThreadNs(pid), 0),
    commands: commands.reduce((sum, count) => sum + count, 0),
  }
}

export interface CpuUse {
  readonly nsPerCommand: number
  /** Of all servers. */
  readonly commandsPerSec: number
}

export async function cpuUse(all: TestServers, ms: number): Promise<CpuUse> {
  const before = await readServerCpu(all)
  await systemClock.sleep(ms)
  const after = await readServerCpu(all)
  const commands = after.commands - before.commands
  return { nsPerCommand: (after.cpuNs - before.cpuNs) / commands, commandsPerSec: (1000 * commands) / ms }
}

export function mainThreadNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0])
}

async function commandCount(all: TestServers, index: number): Promise<number> {
  const connection = await all.connect(index)
  const info = String(await connection.call('INFO', 'stats'))
  connection.close()
  return Number(/total_commands_processed:(\d+)/.exec(info)?.[1])
}
