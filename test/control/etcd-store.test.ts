import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { createEtcdStore } from '../../src/control/etcd-store.js'
import { firstState } from '../../src/ring/epoch.js'
import { type Etcd, findEtcd, startEtcd, startEtcdCluster } from '../support/etcd.js'
import { freePort, testNode, testTopology } from '../support/redis-servers.js'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js'
import { storeContract } from './contract.js'

const binary = await findEtcd()
const first = firstState(testTopology([testNode('n1', 7001)]))
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe(`the control store on etcd${binary ? '' : ' (skipped: no etcd on PATH; Debian has it as etcd-server)'}`, () => {
  let etcd: Etcd
  let proxy: TcpProxy
  before(async function () {
    if (!binary) this.skip()
    etcd = await startEtcd(binary)
    proxy = await startTcpProxy(etcd.port)
  })
  after(async () => {
    await proxy?.close()
    await etcd?.stop()
  })
  const open = (ring: string) => createEtcdStore({ endpoints: [etcd.endpoint] }, ring, systemClock)
  const post = async (path: string, body: object, authorization?: string) => {
    const response = await fetch(`${etcd.endpoint}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: authorization ? { authorization } : {},
    })
    return (await response.json()) as Record<string, string> & { kvs?: { lease: string }[] }
  }
  /** Revisions up to now can be watched no more. */
  const compact = async () => {
    const { header } = (await post('/v3/kv/range', { key: base64('x') })) as unknown as {
      header: { revision: string }
    }
    await post('/v3/kv/compaction', { revision: header.revision, physical: true })
  }

  storeContract(
    () => ({
      open,
      url: () => etcd.endpoint.replace('http', 'etcd'),
      openRemote: async (ring) => ({
        store: createEtcdStore({ endpoints: [`http://127.0.0.1:${proxy.port}`] }, ring, systemClock),
        cut: proxy.cut,
        mend: proxy.mend,
      }),
      restart: () => etcd.restart(),
      expireLease: async (ring) => {
        const { kvs } = await post('/v3/kv/range', { key: base64(`/cachectl/${ring}/lease`) })
        await post('/v3/lease/revoke', { ID: kvs![0]!.lease })
      },
      spoil: async (ring, text) => {
        await post('/v3/kv/put', { key: base64(`/cachectl/${ring}/state`), value: base64(text) })
      },
    }),
    { name: 'http://127.0.0.1:', hasServer: true },
  )

  it('a watcher that is cut off while the revisions are compacted ends with the last state', async () => {
    const store = createEtcdStore({ endpoints: [`http://127.0.0.1:${proxy.port}`] }, 'compacted', systemClock)
    const direct = open('compacted')
    let stored = (await direct.compareAndSwap(undefined, first))!
    const abort = new AbortController()
    const seen: string[] = []
    const watching = (async () => {
      while (!abort.signal.aborted) {
        try {
          for await (const { revision } of store.watch(abort.signal)) seen.push(revision)
        } catch {
          await systemClock.sleep(10) // cut off
        }
      }
    })()
    while (seen.at(-1) !== stored.revision) await systemClock.sleep(5)
    proxy.cut()
    for (let write = 0; write < 5; write++) stored = (await direct.compareAndSwap(stored, stored.state))!
    await compact()
    proxy.mend()
    while (seen.at(-1) !== stored.revision) await systemClock.sleep(5)
    abort.abort()
    await watching
  })

  it('an old state whose revision is compacted away is watched without haste', async () => {
    const store = open('quiet')
    const direct = open('busy')
    let stored = (await store.compareAndSwap(undefined, first))!
    for (let write = 0; write < 5; write++) await direct.putNotice('x', String(write))
    await compact()
    let reads = 0
    const realFetch = globalThis.fetch
    globalThis.fetch = (input, init) => {
      if (String(input).endsWith('/v3/kv/range')) reads += 1
      return realFetch(input, init)
    }
    const abort = new AbortController()
    try {
      const watching = store.watch(abort.signal)[Symbol.asyncIterator]()
      assert.equal((await watching.next()).value.revision, stored.revision)
      const next = watching.next()
      await systemClock.sleep(500)
      stored = (await store.compareAndSwap(stored, first))!
      assert.equal((await next).value.revision, stored.revision)
      assert.ok(reads <= 4, `${reads} reads`)
    } finally {
      globalThis.fetch = realFetch
      abort.abort()
    }
  })

  it('that is away is unreachable, by name', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`
    const store = createEtcdStore({ endpoints: [endpoint] }, 'x', systemClock)
    await assert.rejects(store.load(), {
      exitCode: 4,
      message: `control store ${endpoint}: connection refused (ECONNREFUSED)`,
    })
  })

  it('asks the next member when one does not answer', async () => {
    const endpoints = [`http://127.0.0.1:${await freePort()}`, etcd.endpoint]
    const store = createEtcdStore({ endpoints }, 'two-members', systemClock)
    const stored = await store.compareAndSwap(undefined, first)
    assert.deepEqual(await store.load(), stored)
    assert.equal(store.name, endpoints.join(','))
  })

  it('of three members any may be killed: state, lease and watch go on at the others', async () => {
    const members = await startEtcdCluster(binary!, { count: 3 })
    try {
      const endpoints = members.map(({ endpoint }) => endpoint)
      const store = createEtcdStore({ endpoints }, 'cluster', systemClock)
      let stored = (await store.compareAndSwap(undefined, first))!
      const lease = await store.acquireLease('me')
      const abort = new AbortController()
      const seen: string[] = []
      const watching = (async () => {
        for await (const { revision } of store.watch(abort.signal)) seen.push(revision)
      })()
      while (seen.at(-1) !== stored.revision) await systemClock.sleep(5)
      await members[0]!.kill()
      // a new leader may have to be chosen: what fails meanwhile is read again, as `publish` does
      const before = stored.revision
      while (stored.revision === before) {
        try {
          stored = (await store.compareAndSwap(stored, first)) ?? (await store.load())!
        } catch (error) {
          assert.match(String(error), /control store/)
        }
      }
      while (seen.at(-1) !== stored.revision) await systemClock.sleep(5)
      assert.equal(await lease.renew(), true)
      abort.abort()
      await watching
    } finally {
      await Promise.all(members.map((member) => member.stop()))
    }
  })

  it('logs in, and again when its token has become stale; a watch too', async () => {
    const admin = { name: 'root', password: 'pw' }
    await post('/v3/auth/user/add', admin)
    await post('/v3/auth/role/add', { name: 'root' })
    await post('/v3/auth/user/grant', { user: 'root', role: 'root' })
    await post('/v3/auth/enable', {})
    const store = createEtcdStore(
      { endpoints: [etcd.endpoint], username: 'root', password: 'pw' },
      'guarded',
      systemClock,
    )
    const withoutToken: string[] = []
    const realFetch = globalThis.fetch
    globalThis.fetch = (input, init) => {
      if (!new Headers(init?.headers).has('authorization')) withoutToken.push(new URL(String(input)).pathname)
      return realFetch(input, init)
    }
    try {
      const stored = (await store.compareAndSwap(undefined, first))!
      const abort = new AbortController()
      const seen: string[] = []
      const watching = (async () => {
        while (!abort.signal.aborted) {
          try {
            for await (const { revision } of store.watch(abort.signal)) seen.push(revision)
          } catch {
            await systemClock.sleep(10)
          }
        }
      })()
      while (seen.at(-1) !== stored.revision) await systemClock.sleep(5)
      globalThis.fetch = realFetch
      assert.deepEqual(withoutToken, ['/v3/auth/authenticate'])
      // every token of a user ends with a new password, also when it is the old one
      const { token } = await post('/v3/auth/authenticate', admin)
      await post('/v3/auth/user/changepw', admin, token)
      assert.equal(
        (await post('/v3/kv/range', { key: base64('x') }, token)).error,
        'etcdserver: invalid auth token',
      )
      assert.deepEqual(await store.load(), stored)
      const next = (await store.compareAndSwap(stored, first))!
      while (seen.at(-1) !== next.revision) await systemClock.sleep(5)
      abort.abort()
      await watching
      await assert.rejects(open('guarded').load(), { exitCode: 5, message: /user name is empty|permission/ })
      const wrong = createEtcdStore(
        { endpoints: [etcd.endpoint], username: 'root', password: 'no' },
        'guarded',
        systemClock,
      )
      await assert.rejects(wrong.load(), { exitCode: 5, message: /authentication failed/ })
    } finally {
      globalThis.fetch = realFetch
      const { token } = await post('/v3/auth/authenticate', admin)
      await post('/v3/auth/disable', {}, token)
    }
  })
})
