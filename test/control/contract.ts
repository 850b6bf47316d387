/** What every control store promises: one suite, run by each store's test. */
import assert from 'node:assert/strict'
import type { ClientRecord, ControlStore, StoredState } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { committedState, firstState, migrateState, prepareState } from '../../src/ring/epoch.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const three = testTopology([testNode('n1', 7001)])
const four = testTopology([testNode('n1', 7001), testNode('n2', 7002)])
const first = firstState(three)
const client: ClientRecord = { id: 'app/1', ackedEpoch: -1, seenMs: 5, origin: 'pid 1 on h' }

/** `open` gives a store of a ring of its own, as another process would open it; `name` tells rings apart. */
export function storeContract(open: (name: string) => ControlStore): void {
  const opened: ControlStore[] = []
  let count = 0
  let one: ControlStore
  let other: ControlStore
  const openAs = (name: string) => {
    const store = open(name)
    opened.push(store)
    return store
  }
  beforeEach(() => {
    count += 1
    one = openAs(`ring ${count}`)
    other = openAs(`ring ${count}`)
  })
  after(async () => {
    for (const store of opened) await store.close()
  })

  it('is empty at first, and holds what was written for everybody', async () => {
    assert.equal(await one.load(), undefined)
    const written = await one.compareAndSwap(undefined, first)
    assert.deepEqual(written?.state, first)
    assert.deepEqual(await other.load(), written)
  })

  it('replaces exactly what was read: of two writers one is told that it came second', async () => {
    const base = await one.compareAndSwap(undefined, first)
    assert.equal(await other.compareAndSwap(undefined, first), undefined)
    const results = await Promise.all(
      [one, other, one, other].map((store) => store.compareAndSwap(base, prepareState(first, four))),
    )
    assert.equal(results.filter(Boolean).length, 1)
    assert.equal((await one.load())?.state.phase, 'prepare')
    assert.equal(await one.compareAndSwap(base, first), undefined)
  })

  it('rings do not see each other', async () => {
    await one.compareAndSwap(undefined, first)
    assert.equal(await openAs(`other ring ${count}`).load(), undefined)
  })

  it('a watch gives the present state and each later one, the last one always', async () => {
    const abort = new AbortController()
    let stored = (await one.compareAndSwap(undefined, first))!
    const seen: StoredState[] = []
    const watching = (async () => {
      for await (const each of other.watch(abort.signal)) {
        seen.push(each)
        if (each.state.epoch === 4) break
      }
    })()
    for (const next of [
      prepareState(first, four),
      migrateState(prepareState(first, four)),
      committedState(migrateState(prepareState(first, four))),
    ]) {
      while (seen.at(-1)?.revision !== stored.revision) await systemClock.sleep(5)
      stored = (await one.compareAndSwap(stored, next))!
    }
    await watching
    abort.abort()
    assert.deepEqual(
      seen.map(({ state }) => state.epoch),
      [1, 2, 3, 4],
    )
    assert.deepEqual(seen.at(-1)?.state.before, four)
  })

  it('a lease has one holder, who is named to the second; tokens only grow', async () => {
    const lease = await one.acquireLease('pid 1 on host a')
    await assert.rejects(other.acquireLease('pid 2'), {
      exitCode: 5,
      message: /being changed by pid 1 on host a/,
    })
    assert.equal(await lease.renew(), true)
    await lease.release()
    assert.equal(await lease.renew(), false)
    const second = await other.acquireLease('pid 2')
    assert.ok(second.token > lease.token)
    // a release that comes late ends nobody else's lease
    await lease.release().catch(() => undefined)
    assert.equal(await second.renew(), true)
    await second.release()
  })

  it('clients register, ack, and go', async () => {
    await one.putClient(client)
    await one.putClient({ ...client, ackedEpoch: 3 })
    await one.putClient({ ...client, id: 'b' })
    const found = [...(await other.clients())].sort((a, b) => a.id.localeCompare(b.id))
    assert.deepEqual(found, [
      { ...client, ackedEpoch: 3 },
      { ...client, id: 'b' },
    ])
    await one.removeClient('b')
    assert.deepEqual(await other.clients(), [{ ...client, ackedEpoch: 3 }])
  })
}
