import assert from 'node:assert/strict'
import { type Clock, systemClock } from '../../../src/clock.js'
import { invalid } from '../../../src/errors.js'
import { formatGeneratorRun, parseGeneratorRun } from '../../../src/files/generator-run-json.js'
import { foldRun } from '../../../src/measure/bench-measures.js'
import type { RunCounts } from '../../../src/measure/run-counts.js'
import { shortfalls } from '../../../src/measure/trust.js'
import { type AgentLoad, openAgentLoad } from '../../../src/operations/agents/agent-load.js'
import type { LoadTextsPort } from '../../../src/operations/agents/ports.js'
import { type AgentOutcome, serveAgent } from '../../../src/operations/agents/serve-agent.js'
import type { LoadPort, LoadRequest } from '../../../src/operations/ports.js'
import { createMemoryStore, type MemoryStore } from '../../support/memory-meeting.js'
import { testNode, testTopology } from '../../support/redis-servers.js'
import { latencies, runCounts, series } from '../../support/run-counts.js'

/** Twenty times as fast, so that an agent is lost within a quarter of a second. */
const fast = 20
/** The wall clock of a machine that is so much ahead. */
function clockAhead(aheadMs: number): Clock {
  return {
    nowMs: () => systemClock.nowMs() * fast,
    wallMs: () => Math.round(systemClock.nowMs() * fast) + 1e12 + aheadMs,
    sleep: (ms, signal) => systemClock.sleep(ms / fast, signal),
  }
}
const clock = clockAhead(0)

const request: LoadRequest = {
  topology: testTopology([testNode('n1', 7001)]),
  keys: { kind: 'numbered', prefix: 'p', count: 10, capacity: 10 },
  operations: [{ name: 'get', kind: 'read', weight: 1, keyspace: '' }],
  source: {
    kind: 'mix',
    distribution: { kind: 'uniform' },
    values: { kind: 'fixed', value: 1 },
    ttl: { parts: [], jitter: 0 },
  },
  seed: 1,
  connections: 4,
  pipeline: 1,
  threads: 1,
  warmup: { kind: 'time', ms: 0 },
  phases: [{ name: 'measure', durationMs: 1_000, rate: { kind: 'max' }, hotShift: 0 }],
  requestLimit: 0,
  maxInFlight: 10,
  pace: 'low-cpu',
  verify: false,
  watchNodes: true,
}

const texts: LoadTextsPort = {
  packLoad: async (load) => JSON.stringify(load),
  unpackLoad: async (text) => JSON.parse(text) as LoadRequest,
  packRun: async (run) => formatGeneratorRun(run),
  unpackRun: async (text) => parseGeneratorRun(text),
}

/** Counts as many requests as its share's index plus one, of as many ms. */
function countsOf({ share }: LoadRequest): RunCounts {
  const count = (share?.index ?? 0) + 1
  return runCounts({
    nodeIds: ['n1'],
    operationNames: ['get'],
    cells: [{ service: latencies([count, count]) }],
    series: series({ answered: [count] }),
  })
}

const silentProgress = { update: () => {}, end: () => {} }

describe('agents and their coordinator', () => {
  let store: MemoryStore
  let signals: AbortController[]
  let served: Promise<AgentOutcome>[]
  let opened: AgentLoad[]
  let told: string[]
  beforeEach(() => {
    store = createMemoryStore()
    signals = []
    served = []
    opened = []
    told = []
  })
  afterEach(async () => {
    store.isAway = false
    for (const load of opened) await load.close()
    // they have seen that it is over, and waited for the next
    const isBusy = () => [...store.texts.values()].some((text) => /"session":"/.test(text))
    for (let left = 500; left > 0 && isBusy(); left--) await systemClock.sleep(2)
    for (const signal of signals) signal.abort(new Error('the test is over'))
    await Promise.all(served)
    assert.deepEqual(
      [...store.texts.keys()].filter((name) => !name.includes('/said/')),
      [],
    )
  })

  function startAgent(
    id: string,
    options: { load?: LoadPort; once?: boolean; version?: string; aheadMs?: number } = {},
  ) {
    const signal = new AbortController()
    signals.push(signal)
    const outcome = serveAgent(
      { id, cores: 2, version: options.version ?? '1', node: 'v20' },
      { once: options.once ?? false },
      {
        meeting: store.open(),
        texts,
        clock: clockAhead(options.aheadMs ?? 0),
        signal: signal.signal,
        tell: (line) => told.push(line),
        createLoad: async () => options.load ?? countingLoad(),
      },
    )
    served.push(outcome)
    return { signal, outcome }
  }

  function countingLoad(hold: (signal: AbortSignal) => Promise<void> = async () => {}): LoadPort {
    return {
      run: async (load, { signal, beforeStart, onInterval }) => {
        await beforeStart?.()
        await hold(signal)
        const counts = countsOf(load)
        const histograms = [counts.cells[0]!.service]
        onInterval?.({ startSec: 0, seconds: 1, histograms, nodeHistograms: histograms })
        return counts
      },
    }
  }

  async function open(
    count: number,
    options: { timeoutMs?: number; session?: string } = {},
  ): Promise<AgentLoad> {
    const load = await openAgentLoad(
      {
        session: options.session ?? 's1',
        count,
        timeoutMs: options.timeoutMs ?? 60_000,
        version: '1',
        joinUrl: 'redis://h',
      },
      { meeting: store.open(), texts, clock, signal: new AbortController().signal, progress: silentProgress },
    )
    opened.push(load)
    return load
  }

  const run = (load: AgentLoad, signal = new AbortController().signal, more: Partial<LoadRequest> = {}) =>
    load.run({ ...request, ...more }, { signal, onProgress: () => {} })

  const untilAborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve())
    })

  it('each runs its share, and the counts are one run; then the next load', async () => {
    for (const id of ['a', 'b', 'c']) startAgent(id)
    const load = await open(3)
    for (let round = 0; round < 2; round++) {
      const counts = await run(load)
      assert.deepEqual(counts.cells[0]!.service, latencies([1, 1], [2, 2], [3, 3]))
      assert.deepEqual(counts.series.answered, [6])
      assert.deepEqual(
        counts.agents?.map(({ name, lost, isCounted }) => [name, lost, isCounted]),
        [
          ['a', null, true],
          ['b', null, true],
          ['c', null, true],
        ],
      )
    }
  })

  it('start at one moment although their clocks differ by minutes, and the result says by how much', async () => {
    startAgent('a', { aheadMs: 120_000 })
    startAgent('b', { aheadMs: -7_000 })
    const { agents } = await run(await open(2))
    for (const [index, aheadMs] of [120_000, -7_000].entries()) {
      const { clockOffsetMs, clockErrorMs, startLagMs } = agents![index]!
      assert.ok(Math.abs(clockOffsetMs! - aheadMs) <= clockErrorMs!, JSON.stringify(agents))
      // 20 times as fast: a late timer of 10 ms is 200 ms of these
      assert.ok(Math.abs(startLagMs!) <= clockErrorMs! + 1_000, JSON.stringify(agents))
    }
  })

  it('an agent that can’t take part ends the load for all, by its name; the others stay', async () => {
    const failing: LoadPort = {
      run: () => Promise.reject(invalid('node n1: passwordEnv X is not set', 'export X')),
    }
    startAgent('a')
    const { outcome } = startAgent('b', { load: failing, once: true })
    const load = await open(2)
    await assert.rejects(run(load), {
      exitCode: 2,
      message: 'agent b: node n1: passwordEnv X is not set',
      remedy: 'export X',
    })
    await load.close()
    assert.equal((await outcome).failure?.exitCode, 2)
  })

  it('one that falls silent is lost: the run goes on, says so, and its gates fail', async () => {
    startAgent('a')
    const { signal } = startAgent('b', {
      // frozen: its beats stop with it
      load: countingLoad(async (stop) => {
        freeze('b')
        await untilAborted(stop)
      }),
    })
    const load = await open(2)
    const counts = await run(load)
    assert.deepEqual(counts.cells[0]!.service, latencies([1, 1]))
    const [shortfall] = shortfalls(foldRun(counts))
    assert.match(shortfall?.text ?? '', /agent b was lost: no sign of life for 5 s; .* missing/)
    assert.equal(shortfall?.failsGates, true)
    // the next load is all a's
    assert.deepEqual((await run(load)).cells[0]!.service, latencies([1, 1]))
    signal.abort(new Error('over'))
  })

  /** What this agent says in its session no longer reaches the board. */
  function freeze(id: string): void {
    const { set } = store.texts
    store.texts.set = function (name, text) {
      return name.endsWith(`/said/${id}`) ? this : set.call(this, name, text)
    }
  }

  it('all lost: the load ends with 6', async () => {
    startAgent('a', {
      load: countingLoad(async (stop) => {
        freeze('a')
        await untilAborted(stop)
      }),
    })
    const load = await open(1)
    await assert.rejects(run(load), { exitCode: 6, message: /agent a was lost/ })
    await assert.rejects(run(load), { exitCode: 6, message: /agent a was lost/ })
  })

  it('a fill that lost an agent has not written all keys, and is no fill', async () => {
    startAgent('a')
    startAgent('b', {
      load: countingLoad(async (stop) => {
        freeze('b')
        await untilAborted(stop)
      }),
    })
    const load = await open(2)
    const fill = { source: { kind: 'every-key', op: 0 } } as const
    await assert.rejects(run(load, new AbortController().signal, fill), { exitCode: 6, message: /agent b/ })
  })

  it('Ctrl-C at the coordinator: all hand over what they have', async () => {
    const abort = new AbortController()
    const holding = countingLoad(async (stop) => {
      abort.abort()
      await untilAborted(stop)
    })
    for (const id of ['a', 'b']) startAgent(id, { load: holding })
    const counts = await run(await open(2), abort.signal)
    assert.deepEqual(counts.cells[0]!.service, latencies([1, 1], [2, 2]))
    assert.deepEqual(
      counts.agents?.map(({ lost }) => lost),
      [null, null],
    )
  })

  it('Ctrl-C at an agent: its counts are in the result, and why it left', async () => {
    startAgent('a')
    const { signal } = startAgent('b', {
      load: countingLoad(async (stop) => {
        signal.abort(new Error('stopped by SIGTERM'))
        await untilAborted(stop)
      }),
    })
    const counts = await run(await open(2))
    assert.deepEqual(counts.cells[0]!.service, latencies([1, 1], [2, 2]))
    assert.deepEqual(counts.agents?.[1]?.lost, 'stopped by SIGTERM')
    assert.equal(counts.agents?.[1]?.isCounted, true)
  })

  it('a store that is away for some seconds costs nobody the run', async () => {
    const away = async () => {
      store.isAway = true
      await clock.sleep(7_000)
      store.isAway = false
      await clock.sleep(500)
    }
    startAgent('a', { load: countingLoad(away) })
    startAgent('b')
    const counts = await run(await open(2))
    assert.deepEqual(
      counts.agents?.map(({ lost }) => lost),
      [null, null],
    )
  })

  it('a coordinator that falls silent: agents stop the load and wait for the next', async () => {
    const { outcome } = startAgent('a', { load: countingLoad(untilAborted), once: true })
    const load = await open(1)
    const running = run(load).catch(() => undefined)
    while (!store.texts.get('sessions/s1/said/a')?.includes('"ready"')) await systemClock.sleep(2)
    freezeState()
    assert.equal((await outcome).end, 'silent')
    await running
  })

  function freezeState(): void {
    const { set } = store.texts
    store.texts.set = function (name, text) {
      return name.endsWith('/state') ? this : set.call(this, name, text)
    }
  }

  it('too few agents: unreachable, with who came and who is of another version', async () => {
    startAgent('a')
    startAgent('old', { version: '0' })
    await assert.rejects(open(2, { timeoutMs: 3_000 }), {
      exitCode: 4,
      message: '1 of 2 agents came within 3s: a; of cachectl 0, this is 1: old',
      remedy: /bench agent --join redis:\/\/h/,
    })
  })

  it('two runs share the agents that are there, and a dead one’s announcement holds nobody up', async () => {
    const dead = { id: '0-dead', cores: 1, version: '1', node: 'v20', beat: 1, session: null }
    store.texts.set('agents/0-dead', JSON.stringify(dead))
    for (const id of ['a', 'b', 'c', 'd']) startAgent(id)
    const [one, two] = await Promise.all([open(2, { session: 's1' }), open(2, { session: 's2' })])
    const [first, second] = await Promise.all([run(one), run(two)])
    const names = [...first.agents!, ...second.agents!].map(({ name }) => name)
    assert.deepEqual(names.sort(), ['a', 'b', 'c', 'd'])
    store.texts.delete('agents/0-dead')
  })

  it('a warm-up until steady is refused: each agent would end it by itself', async () => {
    startAgent('a')
    const load = await open(1)
    const detect = { warmup: { kind: 'detect', maxMs: 1_000 } } as const
    await assert.rejects(run(load, new AbortController().signal, detect), {
      exitCode: 2,
      remedy: /--warmup 10s/,
    })
  })
})
