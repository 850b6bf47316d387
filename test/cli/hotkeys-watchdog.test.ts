/** A sampler that stops reading, in the middle of bursts of big writes: the servers must not be left holding what it does not read. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { systemClock } from '../../src/clock.js'
import type { Command } from '../../src/redis/resp.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

/** How the server's list of clients shows a burst, and a connection that has had one; traffic of which it is told much. */
const kinds = {
  monitor: {
    mark: / cmd=monitor /,
    used: / cmd=(?:monitor|reset) /,
    traffic: 20,
    key: (index: number) => `big:${index}`,
    valueBytes: 10_000,
  },
  tracking: {
    mark: / flags=\S*B/,
    used: / cmd=client\|tracking /,
    traffic: 200,
    key: (index: number) => `${'long-name:'.repeat(100)}${index}`,
    valueBytes: 10,
  },
} as const
type Kind = keyof typeof kinds

describe('hotkeys that is stopped in a burst', () => {
  let servers: TestServers
  let file: string
  let client: RespConnection
  before(async () => {
    servers = await startServers(1)
    file = await servers.topologyFile()
    client = await servers.connect(0)
  })
  after(() => servers.stop())

  const info = async (section: string, name: string) =>
    Number(new RegExp(`^${name}(\\d+)`, 'm').exec(String(await client.call('INFO', section)))?.[1] ?? 0)
  const killCount = () => info('commandstats', 'cmdstat_client\\|kill:calls=')

  async function connections(mark: RegExp): Promise<string[]> {
    const list = String(await client.call('CLIENT', 'LIST'))
    return list.split('\n').filter((line) => mark.test(line))
  }
  const sampled = (kind: Kind) => connections(kinds[kind].mark)

  async function until(
    isSo: () => Promise<boolean> | boolean,
    what: string,
    withinMs = 3_000,
  ): Promise<void> {
    const startedMs = systemClock.nowMs()
    while (!(await isSo())) {
      assert.ok(systemClock.nowMs() - startedMs < withinMs, `${what}: not within ${withinMs} ms`)
      await systemClock.sleep(1)
    }
  }

  interface Run {
    readonly pid: number
    readonly result: ReturnType<typeof startCli>['result']
    /** What the server has held beyond what it held when the run began to sample, at most: it notes its peak after each command. */
    heldBytes(): Promise<number>
    signal(signal: NodeJS.Signals): void
  }

  /** A run under traffic, handed over when it has begun to sample. */
  async function sampling(kind: Kind, body: (run: Run) => Promise<void>): Promise<void> {
    const { traffic: count, key, valueBytes } = kinds[kind]
    const value = Buffer.alloc(valueBytes, 'v')
    const commands = Array.from({ length: count }, (_, index): Command => ['SET', key(index), value])
    const connection = await servers.connect(0)
    let isRunning = true
    const traffic = (async () => {
      while (isRunning) await connection.send(commands)
    })()
    const limits = ['--max-time', '60s', '--budget', '50%', '--force', '--json']
    const { child, result } = startCli(['hotkeys', '-t', file, '--source', kind, ...limits])
    try {
      while ((await sampled(kind)).length === 0) assert.equal(child.exitCode, null)
      const atFirst = await info('memory', 'used_memory:')
      await body({
        pid: child.pid!,
        result,
        heldBytes: async () => (await info('memory', 'used_memory_peak:')) - atFirst,
        signal: (signal) => void child.kill(signal),
      })
    } finally {
      isRunning = false
      await traffic
      connection.close()
      child.kill('SIGKILL')
      await result
    }
  }

  /** Stops it again and again, until that was in a burst. So many connections the server had killed before. */
  async function stopInBurst(kind: Kind, run: Run): Promise<number> {
    for (;;) {
      const kills = await killCount()
      run.signal('SIGSTOP')
      await until(() => isStopped(run.pid), 'it is stopped')
      if ((await sampled(kind)).length > 0) return kills
      run.signal('SIGCONT')
      while ((await sampled(kind)).length === 0) assert.ok(!isStopped(run.pid))
    }
  }

  async function goesOn(kind: Kind, { signal }: Run): Promise<void> {
    signal('SIGCONT')
    await until(async () => (await sampled(kind)).length > 0, 'it samples again')
  }

  for (const kind of ['monitor', 'tracking'] as const)
    it(`${kind}: stopped by force it is cut off by the watchdog, by Ctrl-Z by itself; little is held for it, and it goes on`, async () => {
      await sampling(kind, async (run) => {
        const kills = await stopInBurst(kind, run)
        await until(async () => (await sampled(kind)).length === 0, 'its connection is ended', 1_000)
        // nobody else could: the run has stood still all the time
        assert.ok(isStopped(run.pid))
        assert.ok((await killCount()) > kills)
        const held = await run.heldBytes()
        assert.ok(held < 2 ** 20, `${held} bytes were held for it`)
        await goesOn(kind, run)

        // between bursts, when the watchdog has nothing to end
        await until(async () => (await sampled(kind)).length === 0, 'a burst ends')
        run.signal('SIGTSTP')
        await until(() => isStopped(run.pid), 'it is stopped')
        await until(async () => (await connections(kinds[kind].used)).length === 0, 'its own end', 1_000)
        await goesOn(kind, run)

        run.signal('SIGINT')
        const { exitCode, stdout, stderr } = await run.result
        assert.equal(exitCode, 130, stderr)
        assert.ok(JSON.parse(stdout).samples > 0)
      })
    })

  it('SIGKILL: neither a monitor nor a watchdog is left', async () => {
    await sampling('monitor', async (run) => {
      const watchdog = watchdogOf(run.pid)
      await stopInBurst('monitor', run)
      run.signal('SIGKILL')
      await until(async () => (await sampled('monitor')).length === 0, 'its monitor is ended', 1_000)
      const held = await run.heldBytes()
      assert.ok(held < 2 ** 20, `${held} bytes were held for it`)
      await until(() => stateOf(watchdog) === undefined, 'its watchdog has ended')
    })
  })

  it('ends when its watchdog is killed, says so, and leaves no monitor', async () => {
    await sampling('monitor', async (run) => {
      process.kill(watchdogOf(run.pid), 'SIGKILL')
      const { exitCode, stdout } = await run.result
      assert.equal(exitCode, 6, stdout)
      assert.match(stdout, /the watchdog of the monitors: it has ended/)
      await until(async () => (await sampled('monitor')).length === 0, 'its monitor is ended', 1_000)
    })
  })
})

/** `T`: stopped; undefined: there is no such process, or only what its parent has not taken note of. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const state = stat.slice(stat.lastIndexOf(')') + 2).slice(0, 1)
    return state === 'Z' ? undefined : state
  } catch {
    return undefined
  }
}

function isStopped(pid: number): boolean {
  return stateOf(pid) === 'T'
}

function watchdogOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number)
  const watchdog = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('watchdog-process'),
  )
  assert.ok(watchdog, `no watchdog among the children of ${pid}`)
  return watchdog
}
