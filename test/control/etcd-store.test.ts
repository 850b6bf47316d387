import assert from 'node:assert/strict'
import type { StoredState } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createEtcdStore } from '../../src/control/etcd-store.js'
import { firstState, prepareState } from '../../src/ring/epoch.js'
import { type Etcd, findEtcd, startEtcd } from '../support/etcd.js'
import { freePort, testNode, testTopology } from '../support/redis-servers.js'
import { storeContract } from './contract.js'

const binary = await findEtcd()
const topology = testTopology([testNode('n1', 7001)])

describe(`the control store on etcd${binary ? '' : ' (skipped: no etcd on PATH; Debian has it as etcd-server)'}`, () => {
  let etcd: Etcd
  before(async function () {
    if (!binary) this.skip()
    etcd = await startEtcd(binary)
  })
  after(() => etcd?.stop())
  const open = (name: string) => createEtcdStore({ endpoint: etcd.endpoint }, name, systemClock)

  storeContract(open)

  it('keeps its state through kill -9, and a watch goes on after it', async () => {
    const store = open('restarted')
    const first = (await store.compareAndSwap(undefined, firstState(topology)))!
    const seen: StoredState[] = []
    const abort = new AbortController()
    const watching = (async () => {
      for (;;) {
        try {
          for await (const each of store.watch(abort.signal)) seen.push(each)
          return
        } catch (error) {
          assert.match(String(error), /control store/)
        }
      }
    })()
    await etcd.restart()
    assert.deepEqual(await store.load(), first)
    const second = await store.compareAndSwap(first, prepareState(first.state, topology))
    while (seen.at(-1)?.revision !== second?.revision) await systemClock.sleep(10)
    abort.abort()
    await watching
  })

  it('a watch that starts behind a compaction reads afresh', async () => {
    const store = open('compacted')
    let stored = (await store.compareAndSwap(undefined, firstState(topology)))!
    const abort = new AbortController()
    const watching = store.watch(abort.signal)[Symbol.asyncIterator]()
    assert.equal((await watching.next()).value.revision, stored.revision)
    for (let write = 0; write < 5; write++) stored = (await store.compareAndSwap(stored, stored.state))!
    await fetch(`${etcd.endpoint}/v3/kv/compaction`, {
      method: 'POST',
      body: JSON.stringify({ revision: stored.revision, physical: true }),
    })
    assert.equal((await watching.next()).value.revision, stored.revision)
    abort.abort()
  })

  it('that is away is unreachable, by name', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const store = createEtcdStore({ endpoint }, 'x', systemClock)
    await assert.rejects(store.load(), {
      exitCode: 4,
      message: `control store ${endpoint}: connection refused (ECONNREFUSED)`,
    })
  })
})
