/**
 * `cachectl hotkeys` against traffic whose hot keys are known: zipf(0.99) and uniform over a million keys on three nodes.
 * Prints how many of the true top 20 were found, how far the shares were off, how often the intervals held the truth,
 * and the server's own CPU time for sampling: windows with and without it, interleaved.
 */
import { readFileSync } from 'node:fs'
import { systemClock } from '../src/clock.js'
import { createScatter } from '../src/workload/key-distribution.js'
import { zipfProbabilities } from '../src/workload/zipf.js'
import { runCli, startCli } from '../test/support/cli.js'
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { header, median, print } from './support/report.js'

const keyCount = 1_000_000
const theta = 0.99
const top = 20
const prefix = 'hot:'

header(`hot keys: ${keyCount.toLocaleString('en')} keys on three nodes, closed loop with 12 connections`)
const servers = await startServers(3)
try {
  const file = await servers.topologyFile()
  await underLoad(file, `zipf:${theta}`, async () => {
    const report = await findHotKeys(file, '20s')
    const truth = trueShares()
    const best = new Set([...truth.keys()].slice(0, top))
    const found = report.keys.filter(({ key }) => best.has(key)).length
    const errors = report.keys.map(({ key, share }) => Math.abs(share / (truth.get(key) ?? 0) - 1))
    const covered = report.keys.filter(
      ({ key, shareLow, shareHigh }) => shareLow <= truth.get(key)! && truth.get(key)! <= shareHigh,
    ).length
    print(
      `zipf:${theta}  found ${found} of the true top ${top} in ${report.seconds.toFixed(0)} s (goal ≥ 18)`,
    )
    print(
      `           share off by ${(100 * median(errors)).toFixed(1)} % (median), ${(100 * Math.max(...errors)).toFixed(1)} % at most; ` +
        `${covered} of ${report.keys.length} 95 % intervals hold the truth`,
    )
    print(
      `           cost of a node's time: ${(100 * report.sampling.measuredCost).toFixed(2)} % by its counters, ${(100 * report.sampling.estimatedCost).toFixed(2)} % by the model`,
    )
    print(
      `           measured cost ${(100 * (await measuredCost(servers, file))).toFixed(2)} % of the servers' CPU`,
    )
  })
  await underLoad(file, 'uniform', async () => {
    const report = await findHotKeys(file, '20s')
    print(
      `uniform    ${report.keys.length} keys reported (goal 0), upper bound ${(100 * report.upperBound).toFixed(2)} %`,
    )
  })
} finally {
  await servers.stop()
}

interface Report {
  readonly seconds: number
  readonly upperBound: number
  readonly sampling: { readonly measuredCost: number; readonly estimatedCost: number }
  readonly keys: readonly { key: string; share: number; shareLow: number; shareHigh: number }[]
}

async function findHotKeys(file: string, duration: string): Promise<Report> {
  const result = await runCli(['hotkeys', '-t', file, '--top', String(top), '--max-time', duration, '--json'])
  if (result.exitCode !== 0) throw new Error(result.stdout + result.stderr)
  return JSON.parse(result.stdout)
}

/** Reads only, all of which hit, so that each request is one command and the shares are the generator's. */
async function underLoad(file: string, distribution: string, body: () => Promise<void>): Promise<void> {
  const keys = ['--keys', String(keyCount), '--value-bytes', '20', '--prefix', prefix, '--keep']
  const fill = ['--fill', '--read-ratio', '1', '--duration', '1s']
  const filled = await runCli(['bench', '-t', file, ...keys, ...fill])
  if (filled.exitCode !== 0) throw new Error(filled.stderr)
  const shape = [
    '--distribution',
    distribution,
    '--read-ratio',
    '1',
    '--connections',
    '12',
    '--duration',
    '10m',
  ]
  const load = startCli(['bench', '-t', file, ...keys, ...shape])
  try {
    await systemClock.sleep(2_500)
    await body()
  } finally {
    load.child.kill('SIGINT')
    await load.result
  }
}

function trueShares(): Map<string, number> {
  const shares = zipfProbabilities(keyCount, theta)
  const scatter = createScatter(keyCount)
  const width = String(keyCount - 1).length
  const name = (rank: number) => prefix + String(scatter(rank)).padStart(width, '0')
  return new Map(Array.from({ length: 1_000 }, (_, rank) => [name(rank), shares[rank]!]))
}

/** CPU a command with sampling over CPU a command without, minus 1; the median of paired windows. */
async function measuredCost(all: TestServers, file: string): Promise<number> {
  const ratios: number[] = []
  for (let pair = 0; pair < 5; pair++) {
    const without = await cpuPerCommand(all, () => systemClock.sleep(4_000))
    const sampled = await cpuPerCommand(all, () => findHotKeys(file, '4s'))
    ratios.push(sampled / without - 1)
  }
  return median(ratios)
}

async function cpuPerCommand(all: TestServers, body: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    const commands = await Promise.all(
      all.servers.map(async (_, index) => {
        const info = String(await (await all.connect(index)).call('INFO', 'stats'))
        return Number(/total_commands_processed:(\d+)/.exec(info)![1])
      }),
    )
    const ticks = all.servers.map(({ pid }) => cpuTicks(pid))
    return { commands: sum(commands), ticks: sum(ticks) }
  }
  const before = await read()
  await body()
  const after = await read()
  return (after.ticks - before.ticks) / (after.commands - before.commands)
}

/** User and system time of a process, in clock ticks. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
