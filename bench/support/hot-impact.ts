/** What `hotkeys` does to others: the clients' p99, this machine's memory, the server's output buffer. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { systemClock } from '../../src/clock.js'
import { runCli, startCli } from '../../test/support/cli.js'
import type { TestServers } from '../../test/support/redis-servers.js'
import { median } from './report.js'

const windowSeconds = 5

/** The p99 of an open loop's responses with `hotkeys` beside it over the one without, in pairs. */
export async function p99Ratio(
  topologyFile: string,
  pairs: number,
): Promise<{ readonly ratio: number; readonly pairs: number }> {
  const load = ['bench', '-t', topologyFile, '--keys', '100000', '--rate', '20k', '--json']
  await checked([...load, '--fill', '--keep', '--duration', '1s'])
  const p99 = async () => {
    const { stdout } = await checked([...load, '--keep', '--duration', `${windowSeconds}s`])
    return (JSON.parse(stdout) as { latency: { p99Ms: number } }).latency.p99Ms
  }
  const ratios: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const beside = async () => {
      const hotkeys = startCli(['hotkeys', '-t', topologyFile, '--threshold', '0.0002', '--max-time', '60s'])
      await systemClock.sleep(1_500)
      const value = await p99()
      hotkeys.child.kill('SIGINT')
      await hotkeys.result
      return value
    }
    const isBesideFirst = pair % 2 === 0
    const one = await (isBesideFirst ? beside() : p99())
    const other = await (isBesideFirst ? p99() : beside())
    ratios.push(isBesideFirst ? one / other : other / one)
  }
  return { ratio: median(ratios), pairs }
}

/** Largest resident sizes, MiB. */
export async function memoryOver(
  topologyFile: string,
): Promise<{ readonly command: number; readonly watchdog: number; readonly node: number }> {
  const idle = Number(
    execFileSync(process.execPath, ['-e', 'console.log(process.resourceUsage().maxRSS)'], {
      encoding: 'utf8',
    }),
  )
  const args = ['hotkeys', '-t', topologyFile, '--threshold', '0.0002', '--max-time', '15s']
  const { child, result } = startCli(args)
  let command = 0
  let watchdog = 0
  let isOver = false
  void result.finally(() => {
    isOver = true
  })
  while (!isOver) {
    command = Math.max(command, residentKiB(child.pid!) ?? 0)
    for (const pid of childrenOf(child.pid!)) watchdog = Math.max(watchdog, residentKiB(pid) ?? 0)
    await systemClock.sleep(50)
  }
  const { exitCode, stderr } = await result
  if (exitCode !== 0) throw new Error(stderr)
  return { command: command / 1024, watchdog: watchdog / 1024, node: idle / 1024 }
}

/** SETs of 10 KB as fast as one server takes them, while the command is stopped (SIGSTOP) and goes on, in turns. */
export async function bufferHeld(
  servers: TestServers,
  topologyFile: string,
): Promise<{ readonly mostBytes: number; readonly looks: number; readonly monitorsLeft: number }> {
  const stopLoad = bigWrites(servers.servers[0]!.port)
  const look = await servers.connect(0)
  const monitors = async () =>
    String(await look.call('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => / cmd=monitor /.test(line))
  let mostBytes = 0
  let looks = 0
  try {
    const hotkeys = startCli([
      'hotkeys',
      '-t',
      topologyFile,
      '--source',
      'monitor',
      '--force',
      '--max-time',
      '20s',
    ])
    let isOver = false
    void hotkeys.result.finally(() => {
      isOver = true
    })
    let nextTurnMs = systemClock.nowMs() + 1_500
    let isStopped = false
    while (!isOver) {
      for (const line of await monitors())
        mostBytes = Math.max(mostBytes, Number(/ omem=(\d+)/.exec(line)?.[1] ?? 0))
      looks += 1
      if (systemClock.nowMs() < nextTurnMs) continue
      hotkeys.child.kill(isStopped ? 'SIGCONT' : 'SIGSTOP')
      isStopped = !isStopped
      nextTurnMs = systemClock.nowMs() + 300
    }
    await systemClock.sleep(1_000)
    return { mostBytes, looks, monitorsLeft: (await monitors()).length }
  } finally {
    stopLoad()
    look.close()
  }
}

function bigWrites(port: number): () => void {
  const value = 'v'.repeat(10_000)
  const sockets = Array.from({ length: 8 }, (_, index) => {
    const name = `big:${index}`
    const command = `*3\r\n$3\r\nSET\r\n$${name.length}\r\n${name}\r\n$${value.length}\r\n${value}\r\n`
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.on('data', () => socket.write(command))
    socket.write(command)
    return socket
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

function residentKiB(pid: number): number | undefined {
  try {
    const [, size] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return size === undefined ? undefined : Number(size) // a process that has ended has no size
  } catch {
    return undefined
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return []
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return parent === pid ? [Number(entry)] : []
    } catch {
      return []
    }
  })
}

async function checked(args: readonly string[]) {
  const result = await runCli(args)
  if (result.exitCode !== 0) throw new Error(result.stdout + result.stderr)
  return result
}
