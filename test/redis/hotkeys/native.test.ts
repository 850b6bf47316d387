import assert from 'node:assert/strict'
import { systemClock } from '../../../src/clock.js'
import { CachectlError } from '../../../src/errors.js'
import type { SettingsLedger } from '../../../src/operations/hotkeys/server-settings.js'
import { createNativeRedisSource, readRedisSession } from '../../../src/redis/hotkeys/native-redis.js'
import { createNativeValkeySource, readValkeyDetection } from '../../../src/redis/hotkeys/native-valkey.js'
import { openConnection } from '../../../src/redis/resp-connection.js'
import {
  alreadyInProgress,
  configGet,
  nil,
  ok,
  redisGet,
  unknownCommand,
  valkeyGet,
  valkeyInfo,
} from '../../support/native-hotkeys.js'
import { startServers } from '../../support/redis-servers.js'
import { type RespServer, startRespServer } from '../../support/resp-server.js'

const opsPerSec = () => 50_000
const never = new AbortController().signal
const isRefused = (error: unknown) => error instanceof CachectlError && error.exitCode === 5

let server: RespServer
afterEach(() => server?.stop())

describe('HOTKEYS of Redis', () => {
  /** One session at a time, as the server has it. */
  async function play(session: { startedMs: number; active: 0 | 1; ratio: number } | undefined) {
    const stage = { session }
    server = await startRespServer(([, verb, ...rest]) => {
      switch (verb) {
        case 'START': {
          if (stage.session?.active) return alreadyInProgress
          const sample = rest.indexOf('SAMPLE')
          stage.session = { startedMs: 1_000, active: 1, ratio: sample < 0 ? 1 : Number(rest[sample + 1]) }
          return ok
        }
        case 'GET':
          return stage.session ? redisGet(stage.session) : nil
        case 'STOP':
          stage.session!.active = 0
          return ok
        default:
          stage.session = undefined
          return ok
      }
    })
    return stage
  }
  const source = (ops = opsPerSec) =>
    createNativeRedisSource([{ node: server.node }], systemClock, { opsPerSec: ops })

  it('is started, read, and leaves nothing behind', async () => {
    const stage = await play(undefined)
    const native = source()
    const ranking = await native.rank('n1', { durationMs: 20, signal: never })
    await native.close()
    assert.equal(stage.session, undefined)
    assert.equal(server.asked[1], 'HOTKEYS START METRICS 2 CPU NET COUNT 64 DURATION 6')
    assert.deepEqual(server.asked.slice(-3), ['HOTKEYS STOP', 'HOTKEYS GET', 'HOTKEYS RESET'])
    assert.deepEqual(
      [ranking.unit, ranking.keys[0]?.share, ranking.also?.unit],
      ['cpu-us', 0.04, 'net-bytes'],
    )
  })

  it('counts one in so many commands of a busy node, and multiplies back', async () => {
    await play(undefined)
    const native = source(() => 100_000_000)
    const ranking = await native.rank('n1', { durationMs: 20, signal: never })
    await native.close()
    assert.match(server.asked[1]!, /SAMPLE 10$/)
    assert.equal(ranking.keys[0]?.share, 0.4)
    assert.match(ranking.notes.join(), /one in 10 commands/)
  })

  it('touches no session that is not ours', async () => {
    for (const active of [0, 1] as const) {
      const stage = await play({ startedMs: 7, active, ratio: 1 })
      const native = source()
      await assert.rejects(native.rank('n1', { durationMs: 20, signal: never }), isRefused)
      await native.close()
      assert.deepEqual(stage.session, { startedMs: 7, active, ratio: 1 })
      assert.ok(!server.asked.some((asked) => /STOP|RESET/.test(asked)), server.asked.join())
      // a new one would throw the results of a finished one away
      if (!active) assert.ok(!server.asked.some((asked) => /START/.test(asked)), server.asked.join())
      await server.stop()
    }
  })

  it('is left to somebody who took its place meanwhile', async () => {
    const stage = await play(undefined)
    const native = source()
    const takeOver: typeof systemClock = {
      ...systemClock,
      sleep: async () => {
        stage.session = { startedMs: 2_000, active: 1, ratio: 1 }
      },
    }
    await native.close()
    const other = createNativeRedisSource([{ node: server.node }], takeOver, { opsPerSec })
    await assert.rejects(other.rank('n1', { durationMs: 20, signal: never }), /ended by somebody else/)
    await assert.rejects(other.close(), /ended by somebody else/)
    assert.deepEqual(stage.session, { startedMs: 2_000, active: 1, ratio: 1 })
  })

  it('ends with what is known when it is aborted', async () => {
    const stage = await play(undefined)
    const native = source()
    const ranking = await native.rank('n1', { durationMs: 60_000, signal: AbortSignal.timeout(20) })
    await native.close()
    assert.equal(ranking.keys.length, 2)
    assert.equal(stage.session, undefined)
  })

  it('is told apart from a server without it', async () => {
    server = await startRespServer(() => unknownCommand)
    const connection = await openConnection({ node: server.node })
    assert.deepEqual(await readRedisSession(connection), { kind: 'none' })
    connection.close()
  })
})

describe('HOTKEYS of Valkey', () => {
  const keys = [
    { key: 'hot', db: 0, qps: 5_000 },
    { key: 'warm', db: 0, qps: 1_000 },
  ]
  /** 100 samples of 1 % in a window of a second are 10,000 accesses. */
  async function play(settings: Record<string, string>) {
    server = await startRespServer((words) => {
      const [command, verb, name = '', value = ''] = words
      if (command === 'CONFIG' && verb === 'GET')
        return name in settings ? configGet(name, settings[name]!) : '*0\r\n'
      if (command === 'CONFIG') {
        settings[name] = value
        return ok
      }
      if (command === 'INFO') return valkeyInfo(100, 1_000)
      return valkeyGet(settings['hotkeys-top-k'] === '0' ? [] : keys)
    })
    return settings
  }
  const configured = (topK: string) => ({
    'hotkeys-top-k': topK,
    'hotkeys-sampling-percentage': '1',
    'hotkeys-window-seconds': '1',
  })
  function memoryLedger(): SettingsLedger & { held: Map<string, unknown> } {
    const held = new Map<string, unknown>()
    return {
      held,
      leftover: async () => undefined,
      write: async (node, settings) => void held.set(node, settings),
      remove: async (node) => void held.delete(node),
    }
  }
  const quick: typeof systemClock = { ...systemClock, sleep: async () => {} }

  it('is only read where it is on', async () => {
    await play(configured('16'))
    const native = createNativeValkeySource([{ node: server.node }], quick, {
      opsPerSec,
      ledger: memoryLedger(),
    })
    const ranking = await native.rank('n1', { durationMs: 500, signal: never })
    await native.close()
    assert.ok(!server.asked.some((asked) => /CONFIG SET|RESET/.test(asked)), server.asked.join())
    assert.deepEqual(ranking.keys[0], { name: 'hot', weight: 5_000, share: 0.5 })
    assert.equal(ranking.unit, 'commands')
    assert.match(ranking.notes.join(), /16 places: a key below 6.3 %/)
  })

  it('is refused where it is off and may not be switched on', async () => {
    await play(configured('0'))
    const native = createNativeValkeySource([{ node: server.node }], quick, { opsPerSec })
    await assert.rejects(native.rank('n1', { durationMs: 500, signal: never }), isRefused)
    await native.close()
  })

  it('is switched on for the run, and as it was afterwards', async () => {
    const settings = await play(configured('0'))
    const ledger = memoryLedger()
    const native = createNativeValkeySource([{ node: server.node }], quick, {
      opsPerSec: () => 1_000,
      ledger,
    })
    const ranking = await native.rank('n1', { durationMs: 5_000, signal: never })
    assert.equal(ranking.keys.length, 2)
    assert.deepEqual(settings, {
      'hotkeys-top-k': '512',
      'hotkeys-sampling-percentage': '100',
      'hotkeys-window-seconds': '5',
    })
    assert.equal(ledger.held.size, 1)
    await native.close()
    assert.deepEqual(settings, configured('0'))
    assert.equal(ledger.held.size, 0)
  })

  it('tells whether it is on', async () => {
    for (const [settings, state] of [
      [configured('64'), { kind: 'valkey', topK: 64 }],
      [{}, { kind: 'none' }],
    ] as const) {
      await play({ ...settings })
      const connection = await openConnection({ node: server.node })
      assert.deepEqual(await readValkeyDetection(connection), state)
      connection.close()
      await server.stop()
    }
  })
})

describe('HOTKEYS of a real server', () => {
  it('finds the key that is asked for most', async function () {
    const servers = await startServers(1)
    try {
      const connection = await servers.connect(0)
      const access = { node: servers.servers[0]!.node }
      const redis = await readRedisSession(connection)
      const valkey = await readValkeyDetection(connection)
      if (redis.kind !== 'redis' && valkey.kind !== 'valkey') {
        console.log(
          '      skipped: the server has no HOTKEYS (set CACHECTL_REDIS_SERVER to a Redis 8.6 or Valkey 9.2)',
        )
        return this.skip()
      }
      const ledger: SettingsLedger = {
        leftover: async () => undefined,
        write: async () => {},
        remove: async () => {},
      }
      const native =
        redis.kind === 'redis'
          ? createNativeRedisSource([access], systemClock, { opsPerSec })
          : createNativeValkeySource([access], systemClock, { opsPerSec: () => 100, ledger })
      const stop = new AbortController()
      const traffic = (async () => {
        while (!stop.signal.aborted)
          await connection.send([...Array(20).fill(['GET', 'hot']), ['GET', 'warm'], ['SET', 'cold', '1']])
      })()
      const ranking = await native.rank('n1', { durationMs: 1_500, signal: never })
      stop.abort()
      await traffic
      await native.close()
      assert.equal(ranking.keys[0]?.name, 'hot')
      assert.ok((ranking.keys[0]?.share ?? 0) > 0.5)
      const after =
        redis.kind === 'redis' ? await readRedisSession(connection) : await readValkeyDetection(connection)
      assert.deepEqual(
        after,
        redis.kind === 'redis' ? { kind: 'redis', session: 'free' } : { kind: 'valkey', topK: 0 },
      )
    } finally {
      await servers.stop()
    }
  })
})
