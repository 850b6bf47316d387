/** What every control store promises: one suite, run by each store's test. */
import assert from 'node:assert/strict'
import type { ClientRecord, ControlStore, StoredState } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { isUnreachable } from '../../src/errors.js'
import { committedState, firstState, migrateState, prepareState } from '../../src/ring/epoch.js'
import { testNode, testTopology } from '../support/redis-servers.js'
import { startControlProcess } from './control-process-of.js'

const three = testTopology([testNode('n1', 7001)])
const four = testTopology([testNode('n1', 7001), testNode('n2', 7002)])
const first = firstState(three)
const prepared = prepareState(first, four)
const states = [prepared, migrateState(prepared), committedState(migrateState(prepared))]
const client: ClientRecord = { id: 'app/1', ackedEpoch: -1, seenMs: 5, origin: 'pid 1 on h' }

/** A store under test, and what can be done to it. */
export interface TestedStore {
  /** The ring's store, as another process would open it. */
  open(ring: string): ControlStore
  /** The same for another process: `control.url` of its topology file. */
  url(ring: string): string
  /** The same over a network that can be cut. */
  openRemote(ring: string): Promise<{ store: ControlStore; cut(): void; mend(): void }>
  /** kill -9 of its server, which comes back with its data; absent: there is no server. */
  restart?: () => Promise<void>
  /** The holder of the lease has been silent for too long, or has died. */
  expireLease(ring: string): Promise<void>
  /** Puts a text where the state is. */
  spoil(ring: string, text: string): Promise<void>
}

export function storeContract(
  tested: () => TestedStore,
  { name, hasServer }: { name: string; hasServer: boolean },
): void {
  const opened: ControlStore[] = []
  let count = 0
  let ring: string
  let one: ControlStore
  let other: ControlStore
  const openAs = (as: string) => {
    const store = tested().open(as)
    opened.push(store)
    return store
  }
  beforeEach(() => {
    count += 1
    ring = `ring-${count}`
    one = openAs(ring)
    other = openAs(ring)
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
      [one, other, one, other].map((store) => store.compareAndSwap(base, prepared)),
    )
    assert.equal(results.filter(Boolean).length, 1)
    assert.equal((await one.load())?.state.phase, 'prepare')
    assert.equal(await one.compareAndSwap(base, first), undefined)
  })

  it('rings do not see each other', async () => {
    await one.compareAndSwap(undefined, first)
    assert.equal(await openAs(`other-${ring}`).load(), undefined)
  })

  it('a watch gives the present state and each later one, the last one always', async () => {
    let stored = (await one.compareAndSwap(undefined, first))!
    const watching = startWatch(other)
    for (const next of states) {
      await watching.until(stored)
      stored = (await one.compareAndSwap(stored, next))!
    }
    await watching.until(stored)
    await watching.end()
    assert.deepEqual(
      watching.seen.map(({ state }) => state.epoch),
      [1, 2, 3, 4],
    )
    assert.deepEqual(watching.seen.at(-1)?.state.before, four)
  })

  it('a watcher that was cut off while the state changed several times ends with the last one', async () => {
    const { store, cut, mend } = await tested().openRemote(ring)
    opened.push(store)
    let stored = (await one.compareAndSwap(undefined, first))!
    const watching = startWatch(store)
    await watching.until(stored)
    cut()
    for (const next of states) stored = (await one.compareAndSwap(stored, next))!
    mend()
    await watching.until(stored)
    await watching.end()
  })

  it('a process that has stopped watching ends by itself', async () => {
    await one.compareAndSwap(undefined, first)
    const watcher = await startControlProcess(tested().url(ring), ring, 'watch')
    assert.equal(await watcher.line(), '1')
    assert.deepEqual(await watcher.ended, { exitCode: 0, signal: null })
  })

  it('a lease has one holder, who is named to the second; tokens only grow', async () => {
    assert.equal(await other.leaseHolder(), undefined)
    const lease = await one.acquireLease('pid 1 on host a')
    assert.equal(await other.leaseHolder(), 'pid 1 on host a')
    await assert.rejects(other.acquireLease('pid 2'), {
      exitCode: 5,
      message: /being changed by pid 1 on host a/,
    })
    assert.equal(await lease.renew(), true)
    await lease.release()
    assert.equal(await lease.renew(), false)
    assert.equal(await other.leaseHolder(), undefined)
    const second = await other.acquireLease('pid 2')
    assert.ok(second.token > lease.token)
    await second.release()
  })

  it('who has lost the lease is told so, and a release that comes late ends nobody else’s', async () => {
    const lease = await one.acquireLease('frozen')
    await tested().expireLease(ring)
    const second = await other.acquireLease('second')
    assert.ok(second.token > lease.token)
    assert.equal(await lease.renew(), false)
    await lease.release()
    assert.equal(await second.renew(), true)
    assert.equal(await one.leaseHolder(), 'second')
    await second.release()
  })

  it('the lease of a process that died becomes free', async () => {
    const holder = await startControlProcess(tested().url(ring), ring, 'hold')
    const token = Number(await holder.line())
    await assert.rejects(one.acquireLease('me'), { exitCode: 5, message: /being changed by pid \d+/ })
    holder.kill()
    await holder.ended
    let lease = await one.acquireLease('me').catch(() => undefined)
    for (; !lease; lease = await one.acquireLease('me').catch(() => undefined)) await systemClock.sleep(50)
    assert.ok(lease.token > token)
    await lease.release()
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

  it('notices are put up, replaced and taken off', async () => {
    assert.equal(await one.notice('pause'), undefined)
    await one.putNotice('pause', 'Zoë since noon')
    await one.putNotice('progress', '{}')
    await one.putNotice('pause', 'Zoë since one')
    assert.equal(await other.notice('pause'), 'Zoë since one')
    await other.putNotice('pause', undefined)
    await other.putNotice('pause', undefined)
    assert.equal(await one.notice('pause'), undefined)
    assert.equal(await one.notice('progress'), '{}')
  })

  it('a notice is replaced only where it says what was read, also by one of many at once', async () => {
    assert.equal(await one.replaceNotice('hot', 'something', 'a'), false)
    assert.equal(await one.notice('hot'), undefined)
    assert.equal(await one.replaceNotice('hot', undefined, 'a'), true)
    assert.equal(await other.replaceNotice('hot', undefined, 'b'), false)
    const texts = Array.from({ length: 8 }, (_, index) => `b${index}`)
    const replaced = await Promise.all(
      texts.map((text, index) => (index % 2 ? one : other).replaceNotice('hot', 'a', text)),
    )
    assert.deepEqual(
      texts.filter((_, index) => replaced[index]),
      [await one.notice('hot')],
    )
  })

  for (const [what, text] of [
    ['that is no JSON', 'garbage\u0007'],
    ['that is null', 'null'],
    ['of another version', '{"schema":"cachectl/ring-state/v9"}'],
    [
      'without nodes',
      '{"schema":"cachectl/ring-state/v1","epoch":1,"phase":"stable","before":{},"after":{}}',
    ],
  ] as const) {
    it(`a state ${what} is refused, and the place is named`, async () => {
      const stored = await one.compareAndSwap(undefined, first)
      await tested().spoil(ring, text)
      await assert.rejects(other.load(), (error: Error & { exitCode?: number }) => {
        assert.equal(error.exitCode, 5)
        assert.match(error.message, /^control store .* does not hold a ring state: /)
        assert.ok(error.message.includes(ring) && error.message.includes(name), error.message)
        assert.ok(!error.message.includes('\u0007'))
        return true
      })
      await one.compareAndSwap(stored, prepared).catch(() => undefined) // it may be refused; it must not end the process
    })
  }

  if (!hasServer) return

  it('its server may be killed: no acknowledged state is lost, no token comes again, a watch goes on', async () => {
    const lease = await one.acquireLease('before')
    await lease.release()
    let stored = (await one.compareAndSwap(undefined, first))!
    const watching = startWatch(openAs(ring))
    await watching.until(stored)
    let isRestarted = false
    const restarting = tested().restart!().then(() => {
      isRestarted = true
    })
    const revisions = new Set([stored.revision])
    for (let after = 0; after < 5; ) {
      const next = { ...first, epoch: stored.state.epoch + 1 }
      try {
        const written = await one.compareAndSwap(stored, next)
        // nobody else writes here: undefined would mean that our own lost reply was a success
        stored = written ?? (await one.load())!
      } catch (error) {
        assert.ok(isUnreachable(error), String(error))
        stored = await reload(one, stored)
        continue
      }
      assert.equal(stored.state.epoch, next.epoch)
      assert.ok(!revisions.has(stored.revision), 'a revision came twice')
      revisions.add(stored.revision)
      if (isRestarted) after += 1
    }
    await restarting
    assert.deepEqual(await other.load(), stored)
    await watching.until(stored)
    await watching.end()
    const second = await other.acquireLease('after')
    assert.ok(second.token > lease.token)
    await second.release()
  })
}

/** After an error the caller re-reads: the store holds what it held, or what was being written. */
async function reload(store: ControlStore, known: StoredState): Promise<StoredState> {
  for (;;) {
    try {
      const found = (await store.load())!
      assert.ok(found.state.epoch === known.state.epoch || found.state.epoch === known.state.epoch + 1)
      return found
    } catch (error) {
      assert.ok(isUnreachable(error), String(error))
      await systemClock.sleep(10)
    }
  }
}

/** Watches as a client does: when the store is away, again. */
function startWatch(store: ControlStore) {
  const abort = new AbortController()
  const seen: StoredState[] = []
  const watching = (async () => {
    while (!abort.signal.aborted) {
      try {
        for await (const each of store.watch(abort.signal)) {
          if (each.revision !== seen.at(-1)?.revision) seen.push(each)
        }
      } catch (error) {
        assert.ok(isUnreachable(error), String(error))
        await systemClock.sleep(10)
      }
    }
  })()
  return {
    seen,
    until: async ({ revision }: StoredState) => {
      while (seen.at(-1)?.revision !== revision) await systemClock.sleep(5)
    },
    end: () => {
      abort.abort()
      return watching
    },
  }
}
