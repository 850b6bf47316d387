import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { systemClock } from '../../src/clock.js'
import { createKeyPositions } from '../../src/hotkeys/key-positions.js'
import { parseMonitorLine } from '../../src/hotkeys/monitor-line.js'
import { createMonitor } from '../../src/redis/monitor-burst.js'
import { startServers, type TestServers, testNode } from '../support/redis-servers.js'

describe('a burst of MONITOR', () => {
  let servers: TestServers
  let monitor: ReturnType<typeof createMonitor>
  before(async () => {
    servers = await startServers(1)
    monitor = createMonitor([{ node: servers.servers[0]!.node }], systemClock)
  })
  after(() => servers.stop())

  /** Sends commands without end while `body` runs. */
  async function under<T>(
    command: readonly [string, ...(string | Buffer)[]],
    body: () => Promise<T>,
  ): Promise<T> {
    const connection = await servers.connect(0)
    let running = true
    const traffic = (async () => {
      while (running) await connection.send(Array.from({ length: 50 }, () => command))
    })()
    try {
      return await body()
    } finally {
      running = false
      await traffic
    }
  }

  async function monitorsLeft(): Promise<number> {
    const list = String(await (await servers.connect(0)).call('CLIENT', 'LIST'))
    return list.split('\n').filter((line) => line.includes('cmd=monitor')).length
  }

  const limits = { maxLines: 40, maxBytes: 1_000_000, maxMs: 5_000 }

  it('ends at its lines, its bytes or its time, and leaves no monitor', async () => {
    await under(['GET', 'k'], async () => {
      assert.equal((await monitor.burst('n1', limits)).lines.length, 40)
      const byBytes = await monitor.burst('n1', { ...limits, maxLines: 1e9, maxBytes: 2_000 })
      assert.ok(byBytes.bytes >= 2_000)
    })
    assert.ok((await monitor.burst('n1', { ...limits, maxMs: 30 })).lines.length < 40)
    assert.equal(await monitorsLeft(), 0)
  })

  it('shows every key as it is, byte by byte', async () => {
    const positions = createKeyPositions(await monitor.commandShapes('n1'))
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    for (const key of [
      every,
      Buffer.from('] "GET" "x'),
      Buffer.from('\\x00\\"'),
      Buffer.alloc(10_000, '\x1b'),
    ]) {
      const { lines } = await under(['SET', key, 'a "value" \\'], () =>
        monitor.burst('n1', { ...limits, maxLines: 3 }),
      )
      const keys = lines.flatMap((line) => parseMonitorLine(line, positions)?.keys ?? [])
      assert.ok(keys.length > 0 && keys.every((each) => each.equals(key)))
    }
  })

  it('knows where the keys of the real command table are', async () => {
    const positions = createKeyPositions(await monitor.commandShapes('n1'))
    const keysOf = (...args: string[]) =>
      positions.of(args[0]!, args.length, (index) => Buffer.from(args[index]!)).map((index) => args[index])
    assert.deepEqual(keysOf('mget', 'a', 'b'), ['a', 'b'])
    assert.deepEqual(keysOf('mset', 'a', '1', 'b', '2'), ['a', 'b'])
    assert.deepEqual(keysOf('lmove', 'a', 'b', 'LEFT', 'RIGHT'), ['a', 'b'])
    assert.deepEqual(keysOf('bitop', 'AND', 'd', 'a', 'b'), ['d', 'a', 'b'])
    assert.deepEqual(keysOf('config', 'get', 'x'), [])
  })

  it('names the right that is missing', async () => {
    await (await servers.connect(0)).call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+get')
    const node = { ...servers.servers[0]!.node, username: 'reader' }
    await assert.rejects(createMonitor([{ node, password: 'pw' }], systemClock).burst('n1', limits), {
      exitCode: 5,
      message: /NOPERM.*monitor/,
      remedy: /Grant user reader/,
    })
  })

  it('is a failure, not an empty sample, when the server hangs up before it says yes', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.end())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    try {
      const broken = createMonitor([{ node: testNode('n9', port) }], systemClock)
      await assert.rejects(broken.burst('n9', limits), { exitCode: 4, message: /node n9/ })
    } finally {
      server.close()
    }
  })

  it('is closed from outside when the process must stop', async () => {
    const burst = monitor.burst('n1', { maxLines: 1e9, maxBytes: 1e9, maxMs: 60_000 })
    while ((await monitorsLeft()) === 0);
    monitor.close()
    assert.ok((await burst).bytes >= 0)
    while ((await monitorsLeft()) > 0);
  })
})
