import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlStore, StoredState } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createFileStore } from '../../src/control/file-store.js'
import { unreachable } from '../../src/errors.js'
import { publish } from '../../src/operations/publish.js'
import { firstState, migrateState, prepareState } from '../../src/ring/epoch.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const first = firstState(testTopology([testNode('n1', 7001)]))
const next = prepareState(first, testTopology([testNode('n1', 7001), testNode('n2', 7002)]))
const away = unreachable('control store: the connection was closed')

describe('publishing a state', () => {
  let directory: string
  let store: ControlStore
  let stored: StoredState
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    store = createFileStore(directory, systemClock)
    stored = (await store.compareAndSwap(undefined, first))!
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const ports = (control: Partial<ControlStore>) => ({
    control: { ...store, ...control },
    journal: { record: async () => {} },
    clock: systemClock,
    signal: new AbortController().signal,
  })

  it('whose answer was lost is found to be there', async () => {
    let calls = 0
    const compareAndSwap: ControlStore['compareAndSwap'] = async (...args) => {
      const written = await store.compareAndSwap(...args)
      calls += 1
      if (calls === 1) throw away
      return written
    }
    const published = await publish(stored, next, 'prepare', ports({ compareAndSwap }))
    assert.deepEqual(published, await store.load())
    assert.deepEqual(published.state, next)
    assert.equal(calls, 2)
  })

  it('that did not reach the store is published when it is back', async () => {
    let calls = 0
    const compareAndSwap: ControlStore['compareAndSwap'] = async (...args) => {
      calls += 1
      if (calls < 3) throw away
      return store.compareAndSwap(...args)
    }
    const published = await publish(stored, next, 'prepare', ports({ compareAndSwap }))
    assert.deepEqual(published, await store.load())
  })

  it('is refused when the store holds something else by then', async () => {
    await store.compareAndSwap(stored, migrateState(next))
    await assert.rejects(publish(stored, next, 'prepare', ports({})), {
      exitCode: 5,
      message: /another operator/,
    })
  })

  it('ends when it is told to while the store is away', async () => {
    const abort = new AbortController()
    const compareAndSwap = async () => {
      abort.abort(new Error('stopped by SIGINT'))
      throw away
    }
    await assert.rejects(
      publish(stored, next, 'prepare', { ...ports({ compareAndSwap }), signal: abort.signal }),
      /stopped by SIGINT/,
    )
  })
})
