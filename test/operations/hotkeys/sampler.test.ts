import assert from 'node:assert/strict'
import type { Clock } from '../../../src/clock.js'
import type { NodeFacts } from '../../../src/hotkeys/node-facts.js'
import type { BurstSource, RankingSource } from '../../../src/operations/hotkeys/ports.js'
import { type ChosenSource, Sampler, type SamplerWindow } from '../../../src/operations/hotkeys/sampler.js'
import { createRandom } from '../../../src/random.js'
import { testNode, testTopology } from '../../support/redis-servers.js'

const factsOf = (node: string): NodeFacts => ({
  ...{ node, server: 'redis', version: '7.0.15', opsPerSec: 10_000, bytesPerCommand: 40 },
  ...{ busyShare: 0.2, largestInputBytes: 0, maxmemoryPolicy: 'noeviction', missingRights: new Set() },
})
const window: SamplerWindow = { maxMs: 5_000, stopsWhenKnown: true, isFresh: true }
const topology = testTopology([testNode('n1', 1), testNode('n2', 2)])

describe('a sampler', () => {
  let nowMs = 0
  /** Whoever waits lets the time pass: only one thing goes on at a time. */
  const clock: Clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms
    },
  }

  const open = (sources: Readonly<Record<string, ChosenSource>>, rights: readonly string[] = []) => {
    const request = {
      ...{ topology, top: 2, threshold: 0.01, force: false, neededRights: rights },
      budget: { share: 0.01, gentle: false },
    }
    const ports = {
      ...{ clock: clock, random: createRandom(1), progress: { update: () => {}, end: () => {} } },
      probe: {
        facts: async (node: string) => factsOf(node),
        load: async () => ({ atMs: clock.nowMs(), commands: 10 * clock.nowMs(), cpuMicros: undefined }),
      },
      sourceFor: async ({ node }: NodeFacts) => sources[node]!,
    }
    return Sampler.open(request, ports)
  }

  /** Ten commands in 10 ms, half of them on one key. */
  const bursts = (sees: BurstSource['sees']): ChosenSource => ({
    kind: 'bursts',
    reason: 'for the test',
    source: {
      ...{ name: 'tracking', sees, notes: [] },
      burst: async (node) => {
        const atMs = clock.nowMs()
        await clock.sleep(10)
        const commands = Array.from({ length: 10 }, (_, index) => {
          const keys = [index < 5 ? 'hot' : `cold:${atMs}:${index}`]
          return { command: 'set', keys, bytes: 10, client: '' }
        })
        return { node, atMs, commands, bytes: 100, costMicros: 200 }
      },
      close: async () => {},
    },
  })
  const ranking: ChosenSource = {
    kind: 'ranking',
    reason: 'for the test',
    source: {
      name: 'lfu',
      rank: async (node) => ({
        ...{ node, source: 'lfu', unit: 'popularity', notes: [] },
        keys: ['a', 'b', 'c'].map((name) => ({ name, weight: 1 })),
      }),
      close: async () => {},
    } satisfies RankingSource,
  }

  it('counts commands a second of the server, and of a source that sees writes only those it saw', async () => {
    const sampler = await open({ n1: bursts('commands'), n2: bursts('writes') })
    const run = await sampler.run(window, new AbortController().signal)
    assert.deepEqual(
      [...run.opsPerSec].map(([node, ops]) => [node, Math.round(ops)]),
      [
        ['n1', 10_000],
        ['n2', 1_000],
      ],
    )
    assert.deepEqual(
      run.estimate.keys.map(({ name, certainty }) => [name, certainty]),
      [['hot', 'certain']],
    )
    assert.ok(run.firstCertainSeconds !== undefined && run.firstCertainSeconds < 3)
  })

  it('shows as many keys of a ranking as were asked for, beside what it samples', async () => {
    const sampler = await open({ n1: bursts('commands'), n2: ranking })
    const run = await sampler.run(window, new AbortController().signal)
    assert.deepEqual(
      run.rankings.map(({ keys }) => keys.map(({ name }) => name)),
      [['a', 'b']],
    )
    assert.deepEqual(
      run.sources.map(({ node, source }) => [node, source]),
      [
        ['n1', 'tracking'],
        ['n2', 'lfu'],
      ],
    )
  })

  it('forgets between fresh windows, and goes on counting in the others', async () => {
    const sampler = await open({ n1: bursts('commands'), n2: bursts('commands') })
    const signal = new AbortController().signal
    const short = { ...window, maxMs: 500, stopsWhenKnown: false }
    const first = await sampler.run(short, signal)
    const samples = first.estimate.samples
    const kept = await sampler.run({ ...short, isFresh: false }, signal)
    assert.ok(kept.estimate.samples > samples)
    const fresh = await sampler.run(short, signal)
    assert.ok(fresh.estimate.samples < kept.estimate.samples)
  })
})
