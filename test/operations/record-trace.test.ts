/** The recording against feeds that do what they are told, on a clock that stands still between steps. */
import assert from 'node:assert/strict'
import { createKeyPositions } from '../../src/hotkeys/key-positions.js'
import type { MonitorFeedPort, NodeTraffic, RecordedRow } from '../../src/operations/ports.js'
import { type RecordRequest, recordTrace } from '../../src/operations/record-trace.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const startMs = 1_700_000_000_000

interface Stage {
  nowMs: number
  readonly rows: RecordedRow[]
  sinkFailure: Error | undefined
  readonly forecasts: number[]
  sinkIsClosed: boolean
  openFeeds: number
  /** Called before each tick, with the tick's number from 0. */
  onTick: (tick: number) => unknown
  /** GET of the key at the node, executed at this time of the node's clock. */
  say(node: string, key: string, atMs: number, database?: number): void
  tell(node: string, lines: Buffer[]): void
  lose(node: string, error: Error): void
  readonly stop: AbortController
  run(options?: Partial<RecordRequest>, traffic?: Partial<NodeTraffic>): ReturnType<typeof recordTrace>
}

function lineOf(command: { node: string; key: string; atMs: number; database?: number }): Buffer {
  const { node, key, atMs, database = 0 } = command
  const time = `${Math.floor(atMs / 1000)}.${String(Math.round((atMs % 1000) * 1000)).padStart(6, '0')}`
  return Buffer.from(`${time} [${database} ${node}:5000] "GET" "${key}"`)
}

function createStage(offsetsMs: Readonly<Record<string, number>> = {}): Stage {
  const listeners = new Map<string, (lines: readonly Buffer[], bytes: number) => void>()
  const losses = new Map<string, (error: Error) => void>()
  const topology = testTopology([testNode('n1', 1), testNode('n2', 2)])
  const commands = {
    positions: createKeyPositions([{ name: 'get', first: 1, last: 1, step: 1 }]),
    accessOf: () => 'read' as const,
  }
  const stage: Stage = {
    nowMs: startMs,
    rows: [],
    sinkFailure: undefined,
    forecasts: [],
    sinkIsClosed: false,
    openFeeds: 0,
    onTick: () => {},
    say: (node, key, atMs, database = 0) => stage.tell(node, [lineOf({ node, key, atMs, database })]),
    tell: (node, lines) => listeners.get(node)!(lines, Buffer.concat(lines).length + lines.length),
    lose: (node, error) => losses.get(node)!(error),
    stop: new AbortController(),
    run(options = {}, traffic = {}) {
      const feeds: MonitorFeedPort = {
        survey: async (node) => ({
          ...{ opsPerSec: 100, inputBytesPerSec: 4_000, clockOffsetMs: offsetsMs[node] ?? 0, commands },
          ...traffic,
        }),
        open: async (node, onLines) => {
          listeners.set(node, onLines)
          stage.openFeeds += 1
          let close = () => {}
          const ended = new Promise<void>((resolve, reject) => {
            close = resolve
            losses.set(node, reject)
          })
          ended
            .catch(() => undefined)
            .finally(() => {
              stage.openFeeds -= 1
            })
          return { ended, close }
        },
      }
      let tick = 0
      return recordTrace(
        {
          ...{ topology, durationMs: 1_000, requestLimit: 0, maxRatePerSec: 1_000, maxCost: 0.5 },
          ...options,
        },
        {
          feeds,
          openSink: async () => ({
            accepts: (key) => !key.includes(10),
            write: async (rows) => {
              if (stage.sinkFailure) throw stage.sinkFailure
              stage.rows.push(...rows)
            },
            close: async () => {
              stage.sinkIsClosed = true
            },
          }),
          clock: {
            nowMs: () => stage.nowMs,
            wallMs: () => stage.nowMs,
            sleep: async (ms, signal) => {
              stage.onTick(tick++)
              stage.nowMs += ms
              await Promise.resolve()
              signal?.throwIfAborted()
            },
          },
          progress: { update: () => {}, end: () => {} },
          confirm: async (forecast) => {
            stage.forecasts.push(...forecast.map(({ cost }) => cost))
          },
          begun: () => {},
          signal: stage.stop.signal,
        },
      )
    },
  }
  return stage
}

const keysOf = (rows: readonly RecordedRow[]) => rows.map(({ key }) => String(key)).join(' ')

describe('a recording', () => {
  it('merges nodes by time, by the clocks that were compared at the start', async () => {
    const stage = createStage({ n2: 7_000 })
    stage.onTick = (tick) => {
      if (tick !== 2) return
      stage.say('n1', 'b', startMs + 20)
      stage.say('n1', 'd', startMs + 40)
      stage.say('n2', 'a', startMs + 7_010)
      stage.say('n2', 'c', startMs + 7_030)
    }
    const outcome = await stage.run()
    assert.equal(keysOf(stage.rows), 'a b c d')
    assert.deepEqual(
      stage.rows.map(({ atMicros, client }) => [atMicros / 1000 - startMs, client]),
      [
        [10, 1],
        [20, 0],
        [30, 1],
        [40, 0],
      ],
    )
    assert.deepEqual([outcome.endedBy, outcome.seconds, outcome.requestCount], ['duration', 1, 4])
    assert.deepEqual(outcome.operationCounts, { get: 4 })
    assert.deepEqual([stage.openFeeds, stage.sinkIsClosed], [0, true])
  })

  it('never lets time fall: what comes too late carries the time of the one before', async () => {
    const stage = createStage()
    stage.onTick = (tick) => {
      if (tick === 0) stage.say('n1', 'a', startMs + 200)
      if (tick === 12) stage.say('n2', 'b', startMs + 100)
      if (tick === 12) stage.say('n2', 'c\\n', startMs + 300)
    }
    const outcome = await stage.run()
    assert.deepEqual([keysOf(stage.rows), outcome.lateCount, outcome.unwritableCount], ['a b', 1, 1])
    assert.equal(stage.rows[1]!.atMicros, (startMs + 200) * 1000)
  })

  it('ends at its number of requests, exactly', async () => {
    const stage = createStage()
    stage.onTick = () => {
      for (let key = 0; key < 4; key++) stage.say('n1', String(key), stage.nowMs)
    }
    const outcome = await stage.run({ requestLimit: 10 })
    assert.deepEqual([stage.rows.length, outcome.requestCount, outcome.endedBy], [10, 10, 'requests'])
    assert.equal(outcome.why, undefined)
  })

  const bounds: [name: string, ending: string, why: RegExp, act: (stage: Stage) => void][] = [
    [
      'above its rate',
      'rate',
      /node n1 executed more than 1000 commands within a second/,
      (stage) => {
        for (let count = 0; count <= 1_000; count++) stage.say('n1', 'k', stage.nowMs)
      },
    ],
    [
      'above its cost',
      'cost',
      /more than 50 % of node n2's time/,
      (stage) => stage.say('n2', 'x'.repeat(11e6), stage.nowMs),
    ],
    [
      'behind',
      'lag',
      /n1's commands are read more than 1 s late/,
      (stage) => {
        const lineAt = (atMs: number) => lineOf({ node: 'n1', key: 'k', atMs })
        stage.tell('n1', [lineAt(startMs - 1_500), lineAt(stage.nowMs)])
      },
    ],
    [
      'of a node that is gone',
      'node',
      /node n2: gone/,
      (stage) => stage.lose('n2', new Error('node n2: gone')),
    ],
    ['that is interrupted', 'interrupted', /^$/, (stage) => stage.stop.abort()],
  ]
  for (const [name, ending, why, act] of bounds) {
    it(`${name} ends at once and keeps what it has`, async () => {
      const stage = createStage()
      stage.onTick = (tick) => {
        if (tick === 0) stage.say('n1', 'first', startMs)
        if (tick === 3) act(stage)
        assert.ok(tick < 5, 'it goes on')
      }
      const outcome = await stage.run()
      assert.equal(outcome.endedBy, ending)
      assert.match(outcome.why ?? '', why)
      assert.ok(stage.rows.some(({ key }) => String(key) === 'first'))
      assert.deepEqual([stage.openFeeds, stage.sinkIsClosed], [0, true])
    })
  }

  it('leaves out what is done in other databases', async () => {
    const stage = createStage()
    stage.onTick = (tick) => {
      if (tick === 0) stage.say('n1', 'theirs', startMs, 5)
      if (tick === 1) stage.say('n1', 'ours', startMs + 1)
    }
    const outcome = await stage.run()
    assert.deepEqual([keysOf(stage.rows), outcome.skippedCount], ['ours', 1])
  })

  it('closes its monitors when the file cannot be written', async () => {
    const stage = createStage()
    stage.sinkFailure = new Error('full')
    stage.onTick = (tick) => tick === 0 && stage.say('n1', 'k', startMs)
    await assert.rejects(stage.run(), { message: 'full' })
    await Promise.resolve()
    assert.deepEqual([stage.openFeeds, stage.sinkIsClosed], [0, true])
  })

  it('is refused where a node is above a bound already, with nothing opened', async () => {
    const stage = createStage()
    await assert.rejects(stage.run({}, { opsPerSec: 2_000 }), {
      exitCode: 5,
      message: /node n1 executes 2000 commands a second, more than --max-rate 1000/,
    })
    await assert.rejects(stage.run({}, { inputBytesPerSec: 1e7 }), {
      exitCode: 5,
      message: /75 % of node n1's time/,
    })
    assert.deepEqual([stage.forecasts, stage.openFeeds, stage.sinkIsClosed], [[], 0, false])
  })
})
