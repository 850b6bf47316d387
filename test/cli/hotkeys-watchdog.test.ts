/** A reader that stops reading, in the middle of bursts of big writes: the server must not be left holding lines for it. */
import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('hotkeys that is stopped in a burst', () => {
  let servers: TestServers
  let file: string
  before(async () => {
    servers = await startServers(1)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  async function monitors(): Promise<string[]> {
    const list = String(await (await servers.connect(0)).call('CLIENT', 'LIST'))
    return list.split('\n').filter((line) => line.includes('cmd=monitor'))
  }

  async function gone(count: () => Promise<number>, withinMs: number, what: string): Promise<void> {
    const startedMs = systemClock.nowMs()
    while ((await count()) > 0)
      assert.ok(systemClock.nowMs() - startedMs < withinMs, `${what} after ${withinMs} ms`)
  }

  /** Stops the run by `signal` as soon as it has a monitor; `body` sees what is left of it. */
  async function interruptedBy(
    signal: NodeJS.Signals,
    body: (run: ReturnType<typeof startCli>) => Promise<void>,
  ) {
    const connection = await servers.connect(0)
    const value = Buffer.alloc(10_000, 'v')
    let running = true
    const traffic = (async () => {
      while (running) await connection.send(Array.from({ length: 20 }, (_, i) => ['SET', `big:${i}`, value]))
    })()
    const args = ['hotkeys', '-t', file, '--max-time', '60s', '--budget', '50%', '--force', '--json']
    const run = startCli(args)
    try {
      while ((await monitors()).length === 0) assert.equal(run.child.exitCode, null)
      run.child.kill(signal)
      await body(run)
    } finally {
      running = false
      await traffic
      run.child.kill('SIGKILL')
      await run.result
    }
  }

  for (const signal of ['SIGSTOP', 'SIGTSTP'] as const) {
    it(`${signal}: its monitor is ended, holds little, and it goes on afterwards`, async () => {
      await interruptedBy(signal, async ({ child, result }) => {
        let most = 0
        await gone(
          async () => {
            const left = await monitors()
            for (const line of left) most = Math.max(most, Number(/ omem=(\d+)/.exec(line)?.[1] ?? 0))
            return left.length
          },
          1_000,
          'a monitor is left',
        )
        assert.ok(most <= 1_048_576, `${most} bytes waited for it`)
        child.kill('SIGCONT')
        while ((await monitors()).length === 0) assert.equal(child.exitCode, null)
        child.kill('SIGINT')
        const { exitCode, stdout, stderr } = await result
        assert.equal(exitCode, 130, stderr)
        assert.ok(JSON.parse(stdout).samples > 0)
      })
    })
  }

  it('SIGKILL: neither a monitor nor a watchdog is left', async () => {
    await interruptedBy('SIGKILL', async () => {
      await gone(async () => (await monitors()).length, 1_000, 'a monitor is left')
    })
    // what the test itself has open, and nobody else
    const others = async () => {
      const list = String(await (await servers.connect(0)).call('CLIENT', 'LIST'))
      return list.split('\n').filter((line) => line.includes('cmd=client|kill') || / name= /.test(line))
        .length
    }
    await gone(others, 3_000, "the watchdog's connection is left")
  })
})
