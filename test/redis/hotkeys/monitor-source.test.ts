/** MONITOR on a real server: what arrives of a burst, and what is left of it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { systemClock } from '../../../src/clock.js'
import type { SampledCommand } from '../../../src/hotkeys/sampled.js'
import type { BurstLimits, BurstSource } from '../../../src/operations/hotkeys/ports.js'
import type { NodeAccess } from '../../../src/operations/ports.js'
import { createMonitorSource } from '../../../src/redis/hotkeys/monitor-source.js'
import { createNodeProbe } from '../../../src/redis/hotkeys/node-probe.js'
import { startWatchdog } from '../../../src/redis/hotkeys/watchdog.js'
import type { Command } from '../../../src/redis/resp.js'
import { openConnection, type RespConnection } from '../../../src/redis/resp-connection.js'
import type { NodeSpec } from '../../../src/ring/topology.js'
import { startFaultProxy } from '../../support/fault-proxy.js'
import { startServers, type TestServers } from '../../support/redis-servers.js'
import { whileSending } from '../../support/repeated-commands.js'
import { startRespServer } from '../../support/resp-server.js'

const usual: BurstLimits = { maxLines: 200, maxBytes: 256 * 1024, maxMs: 2_000 }

describe('MONITOR in bursts', () => {
  let servers: TestServers
  let client: RespConnection
  let node: NodeSpec

  before(async () => {
    servers = await startServers(1, {
      args: ['--bind', '127.0.0.1', '-::1', '--unixsocket', 'server.sock'],
    })
    client = await servers.connect(0)
    node = servers.servers[0]!.node
  })
  after(() => servers.stop())

  /** Lends the source, and looks whether a monitor is left at its end. */
  async function sampling<T>(
    access: NodeAccess,
    body: (burst: (limits?: Partial<BurstLimits>) => ReturnType<BurstSource['burst']>) => Promise<T>,
  ): Promise<T> {
    const { id } = access.node
    // no load to be measured here, so there is no need to wait for it
    const probe = createNodeProbe([access], { ...systemClock, sleep: () => systemClock.sleep(5) })
    const watchdog = startWatchdog([access])
    const source = createMonitorSource([access], { probe, watchdog, clock: systemClock })
    try {
      source.expect(await probe.facts(id))
      return await body((limits) => source.burst(id, { ...usual, ...limits }))
    } finally {
      await source.close()
      probe.close()
      watchdog.close()
    }
  }

  const under = <T>(commands: readonly Command[], body: () => Promise<T>, connection = client) =>
    whileSending(connection, commands, body)

  const gets = (keys: readonly Buffer[]): Command[] => keys.map((key) => ['GET', key])
  const namesOf = (commands: readonly SampledCommand[]) => commands.flatMap(({ keys }) => keys)
  const field = async (section: string, name: string) =>
    Number(new RegExp(`^${name}(\\d+)`, 'm').exec(String(await client.call('INFO', section)))?.[1] ?? 0)
  const clients = async () =>
    String(await client.call('CLIENT', 'LIST'))
      .trimEnd()
      .split('\n')

  /** Keys of so many commands that follow each other must be these, again and again, from wherever the burst began. */
  function assertCycle(seen: readonly string[], keys: readonly Buffer[]): void {
    const names = keys.map((key) => key.toString('latin1'))
    const start = names.findIndex((_, from) =>
      seen.slice(0, names.length).every((name, index) => name === names[(from + index) % names.length]),
    )
    assert.ok(start >= 0, `${JSON.stringify(seen.slice(0, 5))} is no part of what was sent`)
    for (const [index, name] of seen.entries()) assert.equal(name, names[(start + index) % names.length])
  }

  it('stops at so many lines, and the next one goes over the same connection', async () => {
    await sampling({ node }, (burst) =>
      under(gets([Buffer.from('a'), Buffer.from('b')]), async () => {
        assert.equal((await burst()).commands.length, usual.maxLines)
        assert.ok((await clients()).every((line) => !line.includes('cmd=monitor')))
        const opened = await field('stats', 'total_connections_received:')
        assert.equal((await burst({ maxLines: 33 })).commands.length, 33)
        assert.equal(await field('stats', 'total_connections_received:'), opened)
      }),
    )
  })

  it('hangs up at so many bytes: nothing waits at the server for a monitor', async () => {
    const large = Buffer.alloc(10_000, 'v')
    await sampling({ node }, (burst) =>
      under(
        Array.from({ length: 20 }, () => ['SET', 'large', large]),
        async () => {
          const limits = { maxLines: 1_000_000, maxMs: 10_000 }
          const startedMs = systemClock.nowMs()
          const { bytes, commands } = await burst(limits)
          assert.ok(systemClock.nowMs() - startedMs < limits.maxMs)
          assert.ok(bytes >= usual.maxBytes && bytes < 2 * usual.maxBytes, `${bytes} bytes were taken`)
          assert.ok(commands.length >= 20)
          // the end of a connection reaches the server a moment later
          let left = await clients()
          while (left.some((line) => line.includes('cmd=monitor'))) {
            assert.ok(systemClock.nowMs() - startedMs < 5_000, left.join('\n'))
            left = await clients()
          }
          assert.ok(
            left.every((line) => / omem=0 /.test(line)),
            left.join('\n'),
          )
          // and it is no hindrance to the next
          assert.ok((await burst(limits)).commands.length >= 20)
        },
      ),
    )
  })

  it('brings every key as the bytes it is', async () => {
    const keys = [
      Buffer.from('\x1b[31mred\x1b]0;title\x07'),
      Buffer.from('line\r\nbreak\ttab'),
      Buffer.from('nul\0nul'),
      Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x80]),
      Buffer.from('käse 鍵 🔑'),
      Buffer.from('x] "GET" "y'),
      Buffer.from('"quoted" \\back\\\\slash\\x41\\'),
      Buffer.from('  spaces  '),
      Buffer.from(''),
      Buffer.from('OK'),
      Buffer.alloc(10_000, 'long'),
      Buffer.alloc(10_000, 0xe9),
    ]
    await sampling({ node }, (burst) =>
      under(gets(keys), async () => {
        const { commands } = await burst({ maxLines: 24, maxBytes: 2 ** 20 })
        assertCycle(namesOf(commands), keys)
        assert.ok(commands.every(({ command }) => command === 'get'))
      }),
    )
  })

  it('brings any key as the bytes it is', async () => {
    await sampling({ node }, async (burst) => {
      const key = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
      await fc.assert(
        fc.asyncProperty(fc.array(key, { minLength: 1, maxLength: 40 }), (keys) =>
          under(gets(keys), async () => {
            const { commands } = await burst({ maxLines: 2 * keys.length })
            assertCycle(namesOf(commands), keys)
          }),
        ),
        { numRuns: 60 },
      )
    })
  })

  it('counts commands of another database than the node’s, without their keys', async () => {
    await sampling({ node: { ...node, db: 3 } }, async (burst) => {
      const both: Command[] = [
        ['SELECT', 3],
        ['GET', 'ours'],
        ['SELECT', 0],
        ['GET', 'theirs'],
      ]
      const { commands } = await under(both, () => burst(), await servers.connect(0))
      const read = commands.filter(({ command }) => command === 'get')
      assert.ok(Math.abs(read.length - usual.maxLines / 2) <= 1)
      const named = read.filter(({ keys }) => keys.length > 0)
      assert.deepEqual([...new Set(namesOf(read))], ['ours'])
      assert.ok(Math.abs(named.length - read.length / 2) <= 1, `${named.length} of ${read.length}`)
    })
  })

  const address = async (kind: string): Promise<NodeSpec['address']> => {
    if (kind === 'IPv6') return { kind: 'tcp', host: '::1', port: servers.servers[0]!.port }
    const reply = await client.call('CONFIG', 'GET', 'dir')
    return { kind: 'unix', path: join(String(Array.isArray(reply) ? reply[1] : ''), 'server.sock') }
  }
  for (const [kind, name] of [
    ['IPv6', /^\[::1\]:\d+$/],
    ['a unix socket', /^unix:.*server\.sock$/],
  ] as const)
    it(`works over ${kind}, for clients that come that way too`, async function () {
      const there = { ...node, address: await address(kind) }
      const connection = await openConnection({ node: there }).catch((error: unknown) => {
        // a machine without IPv6
        if (kind === 'IPv6' && /EADDRNOTAVAIL|EAFNOSUPPORT/.test(String(error))) this.skip()
        throw error
      })
      const keys = [Buffer.from('] "a'), Buffer.from('b')]
      try {
        const { commands } = await sampling({ node: there }, (burst) =>
          under(gets(keys), () => burst(), connection),
        )
        assert.equal(commands.length, usual.maxLines)
        assertCycle(namesOf(commands), keys)
        assert.ok(commands.every((each) => name.test(each.client)))
      } finally {
        connection.close()
      }
    })

  it('works on a node that is far away, without being ended by the watchdog', async () => {
    const proxy = await startFaultProxy(servers.servers[0]!.port)
    proxy.set({ kind: 'latency', ms: 60 })
    const there = { ...node, address: { kind: 'tcp' as const, host: '127.0.0.1', port: proxy.port } }
    try {
      await sampling({ node: there }, (burst) =>
        under([['GET', 'a']], async () => {
          const kills = await field('commandstats', 'cmdstat_client\\|kill:calls=')
          for (let round = 0; round < 2; round++)
            assert.ok((await burst({ maxLines: 50, maxMs: 20 })).commands.length > 0)
          assert.equal(await field('commandstats', 'cmdstat_client\\|kill:calls='), kills)
        }),
      )
    } finally {
      await proxy.close()
    }
  })

  it('logs in again for each burst, as RESET has logged it off', async () => {
    await client.call('CONFIG', 'SET', 'requirepass', 'secret')
    try {
      const rights = ['+info', '+command', '+monitor', '+client|id', '+client|kill', '+select']
      await client.call('ACL', 'SETUSER', 'looker', 'reset', 'on', '>pw', ...rights)
      const own = { ...node, db: 3, username: 'looker' }
      for (const access of [
        { node, password: 'secret' },
        { node: own, password: 'pw' },
      ])
        await sampling(access, (burst) =>
          under([['GET', 'a']], async () => {
            for (let round = 0; round < 3; round++)
              assert.equal((await burst({ maxLines: 50 })).commands.length, 50)
            assert.equal((await clients()).filter((line) => line.includes('cmd=reset')).length, 1)
          }),
        )
    } finally {
      await client.call('CONFIG', 'SET', 'requirepass', '')
      await client.call('ACL', 'DELUSER', 'looker')
    }
  })

  it('counts no command of ours', async () => {
    for (const there of [node, { ...node, address: await address('a unix socket') }])
      await sampling({ node: there }, async (burst) => {
        for (let round = 0; round < 3; round++) assert.deepEqual((await burst({ maxMs: 20 })).commands, [])
      })
  })

  it('counts no RESET of ours where the server shows it (before Redis 7), whatever address it sees us at', async () => {
    const line = (address: string, ...words: readonly string[]) =>
      `+1700000000.123456 [0 ${address}] ${words.map((word) => `"${word}"`).join(' ')}\r\n`
    const old = await startRespServer((words) => {
      switch (words[0]) {
        case 'INFO':
          return '$20\r\nredis_version:6.2.14\r\n'
        case 'COMMAND':
          return '*1\r\n*6\r\n$3\r\nget\r\n:2\r\n*0\r\n:1\r\n:1\r\n:1\r\n'
        case 'CLIENT':
          return words[1] === 'ID' ? ':7\r\n' : '+OK\r\n'
        case 'MONITOR':
          return `+OK\r\n${line('10.0.0.9:5000', 'get', 'a')}${line('10.0.0.9:5000', 'get', 'b')}`
        case 'RESET':
          return `${line('192.0.2.1:6000', 'RESET')}+RESET\r\n`
        default:
          return '-ERR unknown command\r\n'
      }
    })
    try {
      await sampling({ node: old.node }, async (burst) => {
        for (const maxLines of [50, 2])
          assert.deepEqual(namesOf((await burst({ maxLines, maxMs: 20 })).commands), ['a', 'b'])
        assert.equal((await burst({ maxMs: 20 })).commands.length, 2)
      })
    } finally {
      await old.stop()
    }
  })
})
