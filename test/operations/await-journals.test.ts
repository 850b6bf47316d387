import assert from 'node:assert/strict'
import type { Clock } from '../../src/clock.js'
import { awaitJournals } from '../../src/operations/await-journals.js'
import { committedState, firstState, migrateState, prepareState } from '../../src/ring/epoch.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const [one, two] = [testNode('n1', 1), testNode('n2', 2)]
const state = migrateState(prepareState(firstState(testTopology([one, two])), testTopology([one])))

/** `counts`: of the leaving node, look by look; the last one stays. */
function world(counts: readonly { pending: number; dead: number }[]) {
  let nowMs = 0
  let looks = 0
  const told: string[] = []
  const clock: Clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms
    },
  }
  const ports = {
    clock,
    signal: new AbortController().signal,
    progress: { update: (text: string) => told.push(text), end: () => {} },
    fleet: {
      entriesAt: async (node: string) => {
        assert.equal(node, 'n2', 'only nodes that leave are asked')
        return counts[Math.min(looks++, counts.length - 1)]!
      },
    },
  }
  return { ports, told, waitedMs: () => nowMs }
}

describe('waiting for the journals of leaving nodes', () => {
  it('goes on when all is written, and tells how much is left', async () => {
    const { ports, told } = world([9, 4, 0].map((pending) => ({ pending, dead: 0 })))
    await awaitJournals(state, ports)
    assert.deepEqual(told, [
      'waiting for 9 write-behind entries on n2 to reach their source',
      'waiting for 4 write-behind entries on n2 to reach their source',
    ])
  })

  it('stops, resumable, when nobody writes them', async () => {
    const { ports, waitedMs } = world([{ pending: 3, dead: 0 }])
    await assert.rejects(awaitJournals(state, ports), {
      exitCode: 6,
      message: /3 write-behind entries/,
      remedy: /ring resume/,
    })
    assert.ok(waitedMs() > 30_000 && waitedMs() < 40_000)
  })

  it('leaves no dead letter behind', async () => {
    const { ports } = world([{ pending: 0, dead: 2 }])
    await assert.rejects(awaitJournals(state, ports), { exitCode: 6, remedy: /dead-letters/ })
  })

  it('asks nobody when no node leaves', async () => {
    await awaitJournals(committedState(state), world([]).ports)
  })
})
