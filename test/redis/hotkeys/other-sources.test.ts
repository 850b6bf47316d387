import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../../src/clock.js'
import { openSettingsLedger } from '../../../src/files/settings-ledger.js'
import { openSlowlogArchive } from '../../../src/files/slowlog-archive.js'
import { createKeyPositions } from '../../../src/hotkeys/key-positions.js'
import type { NodeFacts } from '../../../src/hotkeys/node-facts.js'
import { redis7Commands } from '../../../src/hotkeys/redis7-commands.js'
import type { WatchedSource } from '../../../src/redis/hotkeys/burst-guard.js'
import { createLfuScanSource } from '../../../src/redis/hotkeys/lfu-scan.js'
import { createSlowlogSource } from '../../../src/redis/hotkeys/slowlog-source.js'
import { createTrackingSource } from '../../../src/redis/hotkeys/tracking-source.js'
import { startWatchdog, type Watchdog } from '../../../src/redis/hotkeys/watchdog.js'
import type { Command } from '../../../src/redis/resp.js'
import type { RespConnection } from '../../../src/redis/resp-connection.js'
import { startServers, type TestServers } from '../../support/redis-servers.js'
import { whileSending } from '../../support/repeated-commands.js'

const limits = { maxLines: 200, maxBytes: 256 * 1024, maxMs: 20 }
const unknownLoad: NodeFacts = {
  ...{ node: 'n1', server: 'redis', version: '7.0.15', missingRights: new Set<string>() },
  ...{ opsPerSec: 0, bytesPerCommand: 0, busyShare: 0, largestInputBytes: 0, maxmemoryPolicy: 'noeviction' },
}
const never = new AbortController().signal

let servers: TestServers
let client: RespConnection

/** Sends these again and again while `body` runs. */
async function under<T>(commands: readonly Command[], body: () => Promise<T>): Promise<T> {
  const connection = await servers.connect(0)
  try {
    return await whileSending(connection, commands, body)
  } finally {
    connection.close()
  }
}

async function setting(name: string): Promise<string> {
  const reply = await client.call('CONFIG', 'GET', name)
  return String(Array.isArray(reply) ? reply[1] : undefined)
}

describe('the slow log as a source', () => {
  let ledgerFolder: string
  let archivePath: string
  before(async () => {
    servers = await startServers(1, { args: ['--enable-debug-command', 'local'] })
    client = await servers.connect(0)
  })
  after(() => servers.stop())
  let round = 0
  beforeEach(async () => {
    round += 1
    ledgerFolder = join(servers.directory, `ledger${round}`)
    archivePath = join(servers.directory, `slowlog${round}.jsonl`)
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', 3_000_000)
    await client.call('CONFIG', 'SET', 'slowlog-max-len', 77)
    await client.call('SLOWLOG', 'RESET')
  })

  const open = async (clock: Clock = systemClock, owner?: { pid: number; startTime: string }) =>
    createSlowlogSource([{ node: servers.servers[0]!.node }], clock, {
      positions: createKeyPositions(redis7Commands()),
      ledger: await openSettingsLedger(ledgerFolder, owner),
      archive: openSlowlogArchive(archivePath),
    })
  const settings = async () => [await setting('slowlog-log-slower-than'), await setting('slowlog-max-len')]
  const archived = async () =>
    (await readFile(archivePath, 'utf8').catch(() => ''))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))

  it('shows the commands of a burst with keys, times and clients, and no command of ours', async () => {
    const slowlog = await open()
    const value = Buffer.alloc(10_000, 'v')
    const burst = await under(
      [
        ['GET', 'hot\n"\xff'],
        ['SET', 'cold', value],
        ['EVAL', "return redis.call('get', KEYS[1])", 1, 'inner'],
      ],
      () => slowlog.burst('n1', limits),
    )
    await slowlog.close()
    const names = new Set(burst.commands.map(({ command }) => command))
    assert.deepEqual([...names].sort(), ['get', 'set'])
    const hot = burst.commands.filter(({ keys }) =>
      keys.includes(Buffer.from('hot\n"\xff').toString('latin1')),
    )
    const inner = burst.commands.filter(({ keys }) => keys.includes('inner'))
    const third = burst.commands.length / 3
    assert.ok(
      Math.abs(hot.length - third) <= 1 && Math.abs(inner.length - third) <= 1,
      `${hot.length}/${third}`,
    )
    assert.ok(burst.commands.length > 50 && burst.commands.length <= limits.maxLines)
    assert.ok(hot.every(({ client: address, micros }) => address.startsWith('127.0.0.1:') && micros! >= 0))
    // Redis does not say who called the script, Valkey does
    assert.ok(inner.every(({ client: address }) => address === 'lua' || address.startsWith('127.0.0.1:')))
    // what the server cut is not held
    assert.ok(burst.bytes < burst.commands.length * 400)
    assert.ok((burst.costMicros ?? 0) >= burst.commands.length)
  })

  it('leaves the settings as they were between bursts and after', async () => {
    const slowlog = await open()
    for (let burst = 0; burst < 3; burst++) {
      await slowlog.burst('n1', { ...limits, maxMs: 2 })
      assert.deepEqual(await settings(), ['3000000', '77'])
    }
    await slowlog.close()
    assert.deepEqual(await settings(), ['3000000', '77'])
    assert.equal(await client.call('SLOWLOG', 'LEN'), 0)
    assert.equal(await (await openSettingsLedger(ledgerFolder)).leftover('n1'), undefined)
  })

  it('saves what its users had in it, and what they would have had', async () => {
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', 0)
    await client.call('SET', 'users', 'entry')
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', 20_000)
    const slowlog = await open()
    await slowlog.burst('n1', { ...limits, maxMs: 1 })
    const saved = (await archived()).find(({ args }) => args[1] === 'users')
    assert.deepEqual([saved?.node, saved?.args], ['n1', ['SET', 'users', 'entry']])
    assert.match(saved?.at, /^20\d\d-/)
    const before = (await archived()).length
    await under([['DEBUG', 'SLEEP', '0.03']], () => slowlog.burst('n1', { ...limits, maxMs: 60 }))
    await slowlog.close()
    const added = (await archived()).slice(before)
    assert.ok(
      added.length > 0 && added.every(({ micros, args }) => micros >= 20_000 && args[0] === 'DEBUG'),
      JSON.stringify(added),
    )
  })

  it('gives back, in the next run, what a run that died in a burst left', async () => {
    const dying: Clock = { ...systemClock, sleep: () => Promise.reject(new Error('died')) }
    const dead = await open(dying, { pid: 2 ** 30, startTime: 'never' })
    await assert.rejects(dead.burst('n1', limits), /died/)
    assert.deepEqual(await settings(), ['0', '1000'])
    const slowlog = await open()
    await slowlog.burst('n1', { ...limits, maxMs: 1 })
    await slowlog.close()
    assert.deepEqual(await settings(), ['3000000', '77'])
    // the dead run's own end comes to nothing worse
    await dead.close()
    assert.deepEqual(await settings(), ['3000000', '77'])
  })

  it('keeps off a node whose settings another run has', async () => {
    const first = await open()
    await first.burst('n1', { ...limits, maxMs: 1 })
    const second = await open()
    await assert.rejects(second.burst('n1', limits), /another run \(pid \d+\)/)
    await second.close()
    await first.close()
    assert.deepEqual(await settings(), ['3000000', '77'])
  })

  it('gives back at its end what a lost connection left', async () => {
    const losing: Clock = {
      ...systemClock,
      sleep: async () => {
        const list = String(await client.call('CLIENT', 'LIST'))
        for (const [, id] of list.matchAll(/^id=(\d+) .*name=cachectl-slowlog /gm))
          await client.send([['CLIENT', 'KILL', 'ID', id!]])
      },
    }
    const slowlog = await open(losing)
    await assert.rejects(slowlog.burst('n1', limits), /node n1/)
    assert.deepEqual(await settings(), ['0', '1000'])
    await slowlog.close()
    assert.deepEqual(await settings(), ['3000000', '77'])
  })

  it('counts no key that was cut', async () => {
    const slowlog = await open()
    const burst = await under(
      [
        ['GET', 'x'.repeat(200)],
        ['GET', 'whole'],
      ],
      () => slowlog.burst('n1', limits),
    )
    await slowlog.close()
    assert.deepEqual([...new Set(burst.commands.flatMap(({ keys }) => keys))], ['whole'])
    assert.match(slowlog.notes.join(), /keys were cut/)
  })
})

describe('invalidations as a source', () => {
  let watchdog: Watchdog
  before(async () => {
    servers = await startServers(1)
    client = await servers.connect(0)
    watchdog = startWatchdog([{ node: servers.servers[0]!.node }])
  })
  after(() => {
    watchdog.close()
    return servers.stop()
  })

  const open = (): WatchedSource => {
    const tracking = createTrackingSource([{ node: servers.servers[0]!.node }], {
      watchdog,
      clock: systemClock,
    })
    tracking.expect(unknownLoad)
    return tracking
  }

  it('shows the keys that are written, and nothing of reads', async () => {
    const tracking = open()
    const bursts = await under(
      [
        ['SET', 'written\xff', 'secret'],
        ['GET', 'read'],
      ],
      async () => [await tracking.burst('n1', limits), await tracking.burst('n1', limits)],
    )
    const seen = bursts.flatMap(({ commands }) => commands)
    assert.ok(bursts.every(({ commands }) => commands.length > 3))
    assert.deepEqual(
      [...new Set(seen.flatMap(({ keys }) => keys))],
      [Buffer.from('written\xff').toString('latin1')],
    )
    assert.equal(tracking.sees, 'writes')
    assert.match(String(await client.call('INFO', 'clients')), /tracking_clients:0/)
    await tracking.close()
  })

  it('stops at so many keys', async () => {
    const tracking = open()
    const many = Array.from({ length: 500 }, (_, index): Command => ['SET', `k${index}`, '1'])
    const burst = await under(many, () => tracking.burst('n1', { ...limits, maxLines: 100, maxMs: 5_000 }))
    await tracking.close()
    assert.equal(burst.commands.length, 100)
  })
})

describe('popularity counters as a source', () => {
  let zeroDump: Buffer
  before(async () => {
    servers = await startServers(1, { args: ['--maxmemory-policy', 'allkeys-lfu'] })
    client = await servers.connect(0)
    await client.send(Array.from({ length: 5_000 }, (_, index) => ['SET', `k${index}`, 'value']))
    await client.send(Array.from({ length: 2_000 }, () => ['GET', 'k42']))
  })
  after(() => servers.stop())
  before(async () => {
    const dump = await client.call('DUMP', 'k1')
    assert.ok(Buffer.isBuffer(dump))
    zeroDump = dump
  })
  const scan = (budget: number) =>
    createLfuScanSource([{ node: servers.servers[0]!.node }], systemClock, { budget })

  it('ranks keys by popularity', async () => {
    const lfu = scan(1)
    const ranking = await lfu.rank('n1', { durationMs: 10_000, signal: never })
    await lfu.close()
    assert.equal(ranking.keys[0]?.name, 'k42')
    assert.ok(ranking.keys[0]!.weight > 10 && ranking.keys[1]!.weight <= 6)
    assert.equal(ranking.unit, 'popularity')
    assert.match(ranking.notes.join(), /popularity is a logarithmic counter/)
  })

  it('says how much it saw in its time, and goes on there the next time', async () => {
    const lfu = scan(0.01)
    const first = await lfu.rank('n1', { durationMs: 100, signal: never })
    assert.match(first.notes.join(), /1,\d\d\d keys were looked at, 2\d % of them/)
    const second = await lfu.rank('n1', { durationMs: 100, signal: never })
    await lfu.close()
    const seen = new Set(first.keys.map(({ name }) => name))
    const again = second.keys.filter(({ name }) => seen.has(name))
    assert.ok(seen.size === 100 && again.length < 10, `${again.length} of ${seen.size}`)
  })

  it('says what is missing where there are no counters', async () => {
    await client.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    const lfu = scan(1)
    await assert.rejects(lfu.rank('n1', { durationMs: 1_000, signal: never }), /not an LFU one/)
    await lfu.close()
    await client.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu')
  })

  it('warns of counters that are 0, as after a switch of the policy', async () => {
    await client.call('CONFIG', 'SET', 'lfu-decay-time', 0)
    await client.send(
      Array.from({ length: 5_000 }, (_, index) => [
        'RESTORE',
        `k${index}`,
        0,
        zeroDump,
        'REPLACE',
        'FREQ',
        0,
      ]),
    )
    const lfu = scan(1)
    const ranking = await lfu.rank('n1', { durationMs: 10_000, signal: never })
    await lfu.close()
    assert.match(ranking.notes.join(), /100 % of the counters are 0/)
    assert.deepEqual(ranking.keys, [])
  })
})
