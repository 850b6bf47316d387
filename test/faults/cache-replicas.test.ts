import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cache } from '../../src/cache/cache.js'
import type { LoadContext } from '../../src/cache/options.js'
import { systemClock } from '../../src/clock.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { type CreateCacheOptions, createCache, openPresentRing } from '../../src/open-cache.js'
import type { CacheRing } from '../../src/redis/cache-ring.js'
import { ReplicaConnection } from '../../src/redis/replica-connection.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

/** From then on nothing may be older than a second; a machine's own pauses come on top. */
const boundMs = 1_000
const soon = ['--repl-diskless-sync-delay', '0']

describe('caches that read from replicas', () => {
  let primaries: TestServers
  let replicas: TestServers
  /** Between the node and its replica. */
  let link: FaultProxy
  let ring: CacheRing
  /** Of another process: a connection is told of no change of its own. */
  let elsewhere: CacheRing
  let rows: Map<string, string>
  let caches: Cache<string>[]
  let errors: string[]
  let namespace = 0

  before(async () => {
    primaries = await startServers(2, { args: soon })
    link = await startFaultProxy(primaries.servers[0]!.port)
  })
  after(async () => {
    await link.close()
    await primaries.stop()
  })
  beforeEach(async () => {
    replicas = await startServers(1, { args: [...soon, '--replicaof', '127.0.0.1', String(link.port)] })
    const path = join(primaries.directory, 'replicas.yaml')
    const [{ url }, replica] = [primaries.servers[0]!, replicas.servers[0]!]
    await writeFile(path, `name: test\nnodes:\n  - id: n1\n    url: ${url}\n    replicas: [${replica.url}]\n`)
    const file = await loadTopology(path)
    ring = await openPresentRing(file)
    elsewhere = await openPresentRing(file)
    rows = new Map([['k', 'old']])
    caches = []
    errors = []
    namespace += 1
  })
  afterEach(async () => {
    link.liftAll()
    process.kill(replicas.servers[0]!.pid, 'SIGCONT')
    await Promise.all(caches.map((cache) => cache.close()))
    await ring.close()
    await elsewhere.close()
    await replicas.stop()
  })

  const open = (options: Partial<CreateCacheOptions<string>> = {}) => {
    const cache = createCache<string>({
      ...{ ring, namespace: `r${namespace}`, ttl: '10m', replicas: true, timeout: { l2: '200ms' } },
      load: async (key) => rows.get(key),
      on: { error: (error) => errors.push(String(error)) },
      ...options,
    })
    caches.push(cache)
    return cache
  }
  const drawn = () => ring.replicas.draw([Buffer.from('any')], Number.NEGATIVE_INFINITY, () => 0)
  const until = async (what: string, isSo: () => boolean | Promise<boolean>) => {
    for (let waited = 0; !(await isSo()); waited++) {
      assert.ok(waited < 1_000, `never: ${what}`)
      await systemClock.sleep(10)
    }
  }
  /** A cache that has the key at the node, its replica has it too, and reads go there. */
  const warm = async (cache: Cache<string>, key = 'k') => {
    await cache.get(key)
    await until('it is read at the replica', async () => {
      const before = cache.stats.replicaHits
      await cache.get(key)
      return cache.stats.replicaHits > before
    })
  }
  const calls = async (servers: TestServers, command: string) => {
    const info = String(await (await servers.connect(0)).call('INFO', 'commandstats'))
    return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  }

  it('are refused where no node has one: at once, and over a topology file at the first use', async () => {
    const why = /replicas: no node of the ring has any/
    const { url } = primaries.servers[0]!
    for (const more of [{}, { ring: url }, { ring: [url] }])
      assert.throws(() => createCache({ ttl: '1m', replicas: true, ...more }), why)
    const file = await primaries.topologyFile({ name: 'plain.yaml' })
    const plain = await openPresentRing(await loadTopology(file))
    assert.throws(() => open({ ring: plain }), why)
    await plain.close()
  })

  it('read there, and write at the node', async () => {
    const cache = open({ l1: false })
    await warm(cache)
    const [gets, sets] = [await calls(replicas, 'get'), await calls(primaries, 'set')]
    for (let read = 0; read < 50; read++) assert.equal(await cache.get('k'), 'old')
    assert.deepEqual([...(await cache.getMany(['k', 'k2']))], [['k', 'old']])
    assert.ok((await calls(replicas, 'get')) >= gets + 51)
    // the lease of k2, which is not there
    assert.ok((await calls(primaries, 'set')) <= sets + 1)
    assert.equal(cache.stats.loads, 2)
    assert.ok(cache.stats.replicaHits >= 51 && cache.stats.replicaHits <= cache.stats.l2Hits)
  })

  it('keep that in L1 for a second at most', async () => {
    await warm(open({ l1: false }))
    const cache = open()
    const calledMs = systemClock.nowMs()
    await warm(cache)
    const [hits, rereads] = [cache.stats.l1Hits, cache.stats.replicaHits]
    while (cache.stats.replicaHits === rereads) {
      assert.equal(await cache.get('k'), 'old')
      await systemClock.sleep(5)
      assert.ok(systemClock.nowMs() < calledMs + 5_000)
    }
    assert.ok(cache.stats.l1Hits > hits)
    // without news nobody has told of, and the node was not asked
    assert.equal(cache.stats.loads, 0)
  })

  it('are never a second behind, however far the replica is', async () => {
    const [reader, writer] = [open({ l1: false }), open({ ring: elsewhere, l1: false, replicas: false })]
    await warm(reader)
    link.set({ kind: 'half-open', dead: 'to-client' })
    rows.set('k', 'new')
    await writer.invalidate('k')
    const ackedMs = systemClock.nowMs()
    let oldReads = 0
    for (;;) {
      const calledMs = systemClock.nowMs()
      const value = await reader.get('k')
      if (value === 'old') oldReads += 1
      if (calledMs >= ackedMs + boundMs) assert.equal(value, 'new')
      if (calledMs >= ackedMs + boundMs + 300) break
      await systemClock.sleep(5)
    }
    assert.ok(oldReads > 0, 'the replica was never behind')
    assert.equal(drawn(), undefined)
    await until('it is told', () =>
      errors.some((error) => /is not read: it is more than a second behind/.test(error)),
    )
    link.liftAll()
    await until('it is read again', () => drawn() !== undefined)
  })

  it('see what their own process has written, at once', async () => {
    const cache = open({
      l1: false,
      write: async (batch) => {
        for (const [key, value] of batch) rows.set(key, value ?? '')
      },
    })
    rows.set('other', 'there')
    await warm(cache)
    await warm(cache, 'other')
    link.set({ kind: 'half-open', dead: 'to-client' })
    await cache.set('k', 'new')
    assert.equal(await cache.get('k'), 'new')
    assert.equal(await cache.get('k'), 'new')
    const { replicaHits } = cache.stats
    await cache.get('other')
    assert.equal(cache.stats.replicaHits, replicaHits + 1)
    rows.set('other', 'newer')
    await cache.invalidate('other')
    assert.equal(await cache.get('other'), 'newer')
  })

  it('do not go back behind a change that they were told of', async () => {
    const [reader, writer] = [open(), open({ ring: elsewhere, replicas: false })]
    await reader.get('k') // loaded by it, so that it is in its L1
    await warm(open({ l1: false }))
    link.set({ kind: 'half-open', dead: 'to-client' })
    assert.equal(reader.peek('k'), 'old')
    rows.set('k', 'new')
    await writer.invalidate('k')
    await until('it is told', () => reader.peek('k') !== 'old')
    assert.equal(await reader.get('k'), 'new')
  })

  it('ask the node for what a tag has outdated, without a wait', async () => {
    const loading = {
      load: async (key: string, { tags }: LoadContext<string>) => {
        tags('t')
        return rows.get(key)
      },
    }
    const [reader, writer] = [
      open({ l1: false, ...loading }),
      open({ ring: elsewhere, l1: false, replicas: false, ...loading }),
    ]
    await warm(reader)
    // the reader never asks the node for it, so that nobody tells it of its changes
    rows.set('mine', 'old')
    await writer.get('mine')
    const primary = await primaries.connect(0)
    assert.equal(await primary.call('WAIT', 1, 5_000), 1)
    assert.equal(await reader.get('mine'), 'old')
    assert.equal(reader.stats.loads, 1)
    link.set({ kind: 'half-open', dead: 'to-client' })
    rows.set('mine', 'new')
    await writer.invalidate({ tag: 't' })
    assert.equal(await writer.get('mine'), 'new')
    const { waits, gets } = reader.stats
    const asked = await calls(replicas, 'get')
    await until('it is told of the tag', async () => (await reader.get('mine')) === 'new')
    assert.equal(reader.stats.waits, waits)
    assert.ok((await calls(replicas, 'get')) - asked <= reader.stats.gets - gets, 'a read asked there again')
  })

  it('pay for a frozen replica once', async () => {
    const cache = open({ l1: false })
    await warm(cache)
    process.kill(replicas.servers[0]!.pid, 'SIGSTOP')
    assert.ok(drawn())
    assert.equal(await cache.get('k'), 'old')
    assert.equal(drawn(), undefined)
    const { replicaHits } = cache.stats
    for (let read = 0; read < 20; read++) assert.equal(await cache.get('k'), 'old')
    assert.equal(cache.stats.replicaHits, replicaHits)
    assert.equal(cache.stats.loads, 1)
    process.kill(replicas.servers[0]!.pid, 'SIGCONT')
    await until('it is read again', () => drawn() !== undefined)
  })

  it('pay nothing for one that is gone', async () => {
    const cache = open({ l1: false })
    await warm(cache)
    await replicas.kill(0)
    await until('its connection is lost', () => drawn() === undefined)
    const { replicaHits } = cache.stats
    assert.equal(await cache.get('k'), 'old')
    assert.equal(cache.stats.replicaHits, replicaHits)
    await replicas.restart(0)
    await until('it is read again', () => drawn() !== undefined)
  })

  it('leave a promoted replica, and say so', async () => {
    const cache = open({ l1: false })
    await warm(cache)
    const promoted = await replicas.connect(0)
    await promoted.call('REPLICAOF', 'NO', 'ONE')
    await until('it is left', () => drawn() === undefined)
    await until('it is told', () =>
      errors.some((error) => /is not read: it is no replica \(role master\)/.test(error)),
    )
    rows.set('k', 'new')
    await cache.invalidate('k')
    assert.equal(await cache.get('k'), 'new')
  })

  it('believe nothing from before their node was restarted with old data', async () => {
    const cache = open({ l1: false })
    rows.set('unread', 'old')
    await warm(cache)
    await warm(cache, 'unread')
    const primary = await primaries.connect(0)
    await primary.call('SAVE')
    for (const key of ['k', 'unread']) rows.set(key, 'new')
    await cache.invalidate('k', 'unread')
    const ackedMs = systemClock.nowMs()
    await primaries.restart(0)
    for (;;) {
      const calledMs = systemClock.nowMs()
      const value = await cache.get('k')
      if (calledMs >= ackedMs + boundMs) assert.equal(value, 'new')
      if (calledMs >= ackedMs + boundMs + 300 && drawn()) break
      assert.ok(calledMs < ackedMs + 20_000, 'the replica never came back')
      await systemClock.sleep(5)
    }
    const [copy] = await (await replicas.connect(0)).send([['GET', `r${namespace}:unread`]])
    assert.match(String(copy), /old/)
    assert.equal(await cache.get('unread'), 'new')
    await warm(cache)
    assert.equal(await cache.get('k'), 'new')
  })

  it('take no answer whose proof is a second old', async () => {
    const cache = open({ l1: false })
    await warm(cache)
    const connection = await ReplicaConnection.open(systemClock, { node: replicas.servers[0]!.node })
    try {
      const key = Buffer.from(`r${namespace}:k`)
      const read = async (ageMs: number) => {
        const atMs = systemClock.nowMs() - ageMs
        await connection.sample(() => ({ atMs, sinceUs: '0', clockBehindMs: 0 }))
        return (await connection.read([key], Number.NEGATIVE_INFINITY))[0]
      }
      assert.ok(await read(0))
      assert.equal(await read(1_000), undefined)
    } finally {
      connection.close()
    }
  })

  it('believe nothing of a replica whose data were replaced', async () => {
    const other = await primaries.connect(1)
    await other.call('SET', 'x', 'V0000000000000001other')
    const { node } = replicas.servers[0]!
    const connection = await ReplicaConnection.open(systemClock, { node })
    try {
      const proof = { atMs: Number.POSITIVE_INFINITY, sinceUs: '0', clockBehindMs: 0 }
      await connection.sample(() => proof)
      assert.ok(connection.proved)
      const replica = await replicas.connect(0)
      await replica.call('REPLICAOF', '127.0.0.1', primaries.servers[1]!.port)
      await until('it has the other data', async () => {
        const [reply] = await replica.send([['GET', 'x']])
        return Buffer.isBuffer(reply)
      })
      assert.deepEqual(await connection.read([Buffer.from('x')], 0), [undefined])
      assert.equal(connection.proved, undefined)
    } finally {
      connection.close()
    }
  })
})
