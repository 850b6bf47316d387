import assert from 'node:assert/strict'
import type { Cache } from '../../src/cache/cache.js'
import { systemClock } from '../../src/clock.js'
import { createCache } from '../../src/open-cache.js'
import { type CacheProcesses, startCaches } from '../support/cache-processes.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

/** From then on nothing may be older than a second; a machine's own pauses come on top. */
const boundMs = 1_000

describe('caches whose nodes and connections fail', () => {
  let servers: TestServers
  let proxy: FaultProxy
  let rows: Map<string, number>
  let loads: number
  let caches: Cache<number>[]
  let spread = 0

  before(async () => {
    servers = await startServers(2)
    proxy = await startFaultProxy(servers.servers[0]!.port)
  })
  after(async () => {
    await proxy.close()
    await servers.stop()
  })
  beforeEach(() => {
    rows = new Map()
    loads = 0
    caches = []
    spread += 1
  })
  afterEach(async () => {
    proxy.liftAll()
    for (const { pid } of servers.servers) process.kill(pid, 'SIGCONT')
    await Promise.all(caches.map((cache) => cache.close()))
  })

  const open = (urls: readonly string[], { loadMs = 0, ttl = '10m' as const } = {}) => {
    const cache = createCache<number>({
      ring: urls,
      namespace: `t${spread}`,
      ttl,
      load: async (key) => {
        loads += 1
        const row = rows.get(key) ?? 0
        if (loadMs > 0) await systemClock.sleep(loadMs)
        return row
      },
    })
    caches.push(cache)
    return cache
  }
  const direct = (index = 0) => [servers.servers[index]!.url]

  async function write(writer: Cache<number>, key: string, value: number): Promise<number> {
    rows.set(key, value)
    await writer.invalidate(key)
    return systemClock.nowMs()
  }

  it('race 9: half-open: what is read a second after a write is new', async () => {
    const [reader, writer] = [open([proxy.url]), open(direct())]
    assert.equal(await reader.get('k'), 0)
    proxy.set({ kind: 'blackhole' })
    const ackedMs = await write(writer, 'k', 1)
    for (;;) {
      const calledMs = systemClock.nowMs()
      const value = await reader.get('k')
      if (calledMs >= ackedMs + boundMs) assert.equal(value, 1)
      if (calledMs >= ackedMs + boundMs + 100) break
      await systemClock.sleep(20)
    }
  })

  it('race 9: nor does anybody join a load from before the gap', async () => {
    const [reader, writer] = [open([proxy.url], { loadMs: 1_600 }), open(direct())]
    await reader.get('warm', () => 0)
    const first = reader.get('slow')
    while (loads === 0) await systemClock.sleep(5)
    proxy.set({ kind: 'blackhole' })
    const ackedMs = await write(writer, 'slow', 1)
    await systemClock.sleep(Math.max(0, ackedMs + boundMs - systemClock.nowMs()))
    const later = reader.get('slow')
    assert.equal(await first, 0)
    assert.equal(await later, 1)
  })

  it('race 9: the server ends the connection: at once nothing is served that it has not told', async () => {
    const [reader, writer] = [open(direct()), open(direct())]
    assert.equal(await reader.get('k'), 0)
    assert.equal(await writer.get('k'), 0)
    assert.equal(reader.peek('k'), 0)
    const admin = await servers.connect(0)
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    while (reader.peek('k') !== undefined) await new Promise((resolve) => setImmediate(resolve))
    while (writer.peek('k') !== undefined) await new Promise((resolve) => setImmediate(resolve))
    rows.set('k', 1)
    while (
      !(await writer.invalidate('k').then(
        () => true,
        () => false,
      ))
    );
    assert.equal(await reader.get('k'), 1)
  })

  it('race 9: the reading process stands still for two seconds: it wakes up knowing nothing', async () => {
    const job = { ring: direct(), sourcePort: servers.servers[1]!.port, loadMs: 0 }
    let processes: CacheProcesses | undefined
    try {
      processes = await startCaches([job, job])
      const [reader, writer] = processes.processes
      await reader!.run({ kind: 'get', key: `s${spread}` })
      reader!.signal('SIGSTOP')
      await writer!.run({ kind: 'write', key: `s${spread}` })
      await systemClock.sleep(1_500)
      const first = reader!.run({ kind: 'get', key: `s${spread}`, callers: 10 })
      reader!.signal('SIGCONT')
      assert.deepEqual(new Set((await first).versions), new Set([1]))
    } finally {
      processes?.stop()
    }
  })

  it('a frozen node costs a reader 50 ms once; others’ keys stay; it comes back without a storm', async () => {
    const urls = [...direct(0), ...direct(1)]
    const cache = open(urls)
    const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)
    await cache.getMany(keys)
    const before = loads
    await cache.getMany(keys)
    assert.equal(loads, before)
    process.kill(servers.servers[0]!.pid, 'SIGSTOP')
    // what both have told is good for a moment; then only the living node's is
    await systemClock.sleep(1_100)
    const { stats } = cache
    const failures = stats.l2Failures
    const startedMs = systemClock.nowMs()
    for (let index = 0; index < 100; index++) assert.equal(await cache.get(`new${index}`), 0)
    const tookMs = systemClock.nowMs() - startedMs
    assert.ok(stats.l2Failures - failures <= 2, `${stats.l2Failures - failures} requests waited in vain`)
    assert.ok(tookMs < 1_000, `${tookMs} ms`)
    const kept = keys.filter((key) => cache.peek(key) !== undefined)
    assert.ok(kept.length > 5 && kept.length < 35, `${kept.length} of 40 are still there`)
    process.kill(servers.servers[0]!.pid, 'SIGCONT')
    const atReturn = loads
    for (let round = 0; round < 20; round++) {
      await cache.getMany(keys)
      await systemClock.sleep(50)
    }
    assert.ok(loads - atReturn <= 2 * keys.length, `${loads - atReturn} loads for ${keys.length} keys`)
    // at home again, where their node tells of changes
    const { detours } = cache.stats
    await systemClock.sleep(1_100)
    await cache.getMany(keys)
    assert.equal(cache.stats.detours, detours)
  })

  it('race 13: a removal that a frozen node did not take is repeated when it is back', async () => {
    const [reader, writer] = [open(direct()), open(direct())]
    assert.equal(await reader.get('k'), 0)
    process.kill(servers.servers[0]!.pid, 'SIGSTOP')
    rows.set('k', 1)
    await assert.rejects(writer.invalidate('k'), /no answer within 50 ms/)
    assert.equal(await writer.get('k'), 1)
    process.kill(servers.servers[0]!.pid, 'SIGCONT')
    const untilMs = systemClock.nowMs() + 6_000
    while ((await reader.get('k')) !== 1) {
      assert.ok(systemClock.nowMs() < untilMs, 'it was not repeated')
      await systemClock.sleep(10)
    }
  })

  it('FLUSHALL: nothing that was there is served from memory', async () => {
    const reader = open(direct())
    assert.equal(await reader.get('k'), 0)
    rows.set('k', 1)
    await (await servers.connect(0)).call('FLUSHALL')
    while (reader.peek('k') !== undefined) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await reader.get('k'), 1)
  })

  it('race 11: a node that starts again with an old data set serves none of it', async () => {
    const [reader, writer] = [open(direct()), open(direct())]
    assert.equal(await reader.get('k'), 0)
    const admin = await servers.connect(0)
    await admin.call('SAVE')
    await write(writer, 'k', 1)
    // it was started anew by hand, with what it had saved
    await servers.restart(0)
    const hits = () => reader.stats.l2Hits + reader.stats.fills
    const before = hits()
    const untilMs = systemClock.nowMs() + 5_000
    while (hits() === before) {
      for (const cache of [reader, writer]) assert.equal(await cache.get('k'), 1)
      assert.ok(systemClock.nowMs() < untilMs, 'its node was not asked again')
      await systemClock.sleep(20)
    }
  })
})
