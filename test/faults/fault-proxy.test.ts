import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { openConnection, type RespConnection } from '../../src/redis/resp-connection.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { startServers, type TestServers, testNode } from '../support/redis-servers.js'

describe('the fault proxy', () => {
  let servers: TestServers
  let proxy: FaultProxy
  let direct: RespConnection
  const open: RespConnection[] = []

  before(async () => {
    servers = await startServers(2)
    direct = await servers.connect(0)
  })
  after(() => servers.stop())
  beforeEach(async () => {
    proxy = await startFaultProxy(servers.servers[0]!.port)
    await direct.call('FLUSHALL')
  })
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.close()
    await proxy.close()
  })

  async function connect(clientName = 'cc:1:1', idleTimeoutMs = 5_000): Promise<RespConnection> {
    const connection = await openConnection(
      { node: testNode('p', proxy.port) },
      { clientName, idleTimeoutMs },
    )
    open.push(connection)
    return connection
  }

  async function timed(body: () => Promise<unknown>): Promise<number> {
    const startedMs = systemClock.nowMs()
    await body()
    return systemClock.nowMs() - startedMs
  }

  it('passes everything on when it has no fault', async () => {
    const connection = await connect()
    const value = Buffer.alloc(3 * 2 ** 20, 'x\0\r\n')
    await connection.call('SET', 'k', value)
    assert.deepEqual(await connection.call('GET', 'k'), value)
  })

  it('latency: both ways, set and lifted on an open connection', async () => {
    const connection = await connect()
    const toxic = proxy.set({ kind: 'latency', ms: 50, jitterMs: 10 })
    const slowMs = await timed(() => connection.call('PING'))
    assert.ok(slowMs >= 100 && slowMs < 1_000, `${slowMs} ms`)
    toxic.lift()
    assert.ok((await timed(() => connection.call('PING'))) < 90)
  })

  it('latency holds back, it does not narrow: what was sent together arrives together', async () => {
    const connection = await connect()
    proxy.set({ kind: 'latency', ms: 100 })
    const ms = await timed(() => Promise.all(Array.from({ length: 20 }, () => connection.call('PING'))))
    assert.ok(ms < 1_000, `${ms} ms`)
  })

  it('bandwidth: so many bytes a second', async () => {
    const connection = await connect()
    proxy.set({ kind: 'bandwidth', bytesPerSec: 100_000 })
    const ms = await timed(() => connection.call('SET', 'k', 'x'.repeat(30_000)))
    assert.ok(ms >= 290, `${ms} ms`)
  })

  it('reset: after so many bytes, so many times', async () => {
    const toxic = proxy.set({ kind: 'reset', afterBytes: 2_000, times: 1 })
    const connection = await connect()
    await connection.call('PING')
    await assert.rejects(connection.call('SET', 'k', 'x'.repeat(10_000)), /ECONNRESET|connection was closed/)
    assert.equal(toxic.resets, 1)
    assert.equal(await (await connect()).call('SET', 'k', 'x'.repeat(10_000)), 'OK')
  })

  it('reset at once: connections that are open end with RST', async () => {
    const connection = await connect()
    const waiting = assert.rejects(connection.call('BLPOP', 'nothing', 5), /ECONNRESET/)
    while (!String(await direct.call('CLIENT', 'LIST')).includes('cmd=blpop')) await systemClock.sleep(2)
    proxy.set({ kind: 'reset', afterBytes: 0, times: 1 })
    await waiting
    assert.equal(await (await connect()).call('PING'), 'PONG')
  })

  it('blackhole: accepts, forwards nothing, and what it took arrives late', async () => {
    const connection = await connect('cc:1:1', 100)
    const toxic = proxy.set({ kind: 'blackhole' })
    await assert.rejects(connection.call('SET', 'k', 'late'), /no reply for 100 ms/)
    await assert.rejects(connect('cc:1:2', 100), /no reply for 100 ms/)
    assert.equal(await direct.call('EXISTS', 'k'), 0)
    toxic.lift()
    while ((await direct.call('EXISTS', 'k')) === 0) await systemClock.sleep(2)
  })

  it('half-open: the command is done, its answer never comes', async () => {
    const connection = await connect('cc:1:1', 100)
    proxy.set({ kind: 'half-open', dead: 'to-client' })
    await assert.rejects(connection.call('SET', 'k', 'v'), /no reply for 100 ms/)
    assert.equal(String(await direct.call('GET', 'k')), 'v')
    proxy.liftAll()
    const other = await connect('cc:1:2', 100)
    proxy.set({ kind: 'half-open', dead: 'to-server' })
    await assert.rejects(other.call('SET', 'never', 'v'), /no reply for 100 ms/)
    assert.equal(await direct.call('EXISTS', 'never'), 0)
  })

  it('slices: bytes arrive in small pieces, all of them', async () => {
    const connection = await connect()
    proxy.set({ kind: 'slices', bytes: 1 })
    const value = Buffer.alloc(2_000, 'a\r\n\0')
    await connection.call('SET', 'k', value)
    assert.deepEqual(await connection.call('GET', 'k'), value)
  })

  it('rewrite: the client reads something else than the server said', async () => {
    const connection = await connect()
    await connection.call('SET', 'k', 'true')
    proxy.set({
      kind: 'rewrite',
      on: 'to-client',
      edit: (chunk) => Buffer.from(chunk.toString('latin1').replace('true', 'fals'), 'latin1'),
    })
    assert.equal(String(await connection.call('GET', 'k')), 'fals')
  })

  it('only: for connections of that name, others do not notice', async () => {
    const [operator, client] = [await connect('cc-op:1', 100), await connect('cc:1:1', 100)]
    proxy.set({ kind: 'blackhole' }, { only: 'cc-op:' })
    await assert.rejects(operator.call('PING'), /no reply/)
    assert.equal(await client.call('PING'), 'PONG')
    await assert.rejects(connect('cc-op:2', 100), /no reply/)
    assert.equal(await (await connect('cc:2:1')).call('PING'), 'PONG')
  })

  it('down refuses connections and ends the open ones; up serves on the same port', async () => {
    const connection = await connect()
    await proxy.down()
    await assert.rejects(connection.call('PING'), /ECONNRESET|connection was closed/)
    await assert.rejects(connect(), /ECONNREFUSED/)
    await proxy.up()
    assert.equal(await (await connect()).call('PING'), 'PONG')
  })

  it('leads new connections elsewhere', async () => {
    await connect()
    proxy.lead(servers.servers[1]!.port, { cut: true })
    await (await connect()).call('SET', 'k', 'there')
    assert.equal(String(await (await servers.connect(1)).call('GET', 'k')), 'there')
    assert.equal(await direct.call('EXISTS', 'k'), 0)
  })
})
