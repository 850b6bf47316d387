import assert from 'node:assert/strict'
import type { StoredState } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createFileStore } from '../../src/control/file-store.js'
import { gateKey, raiseGateCommand } from '../../src/redis/gate.js'
import { moveLive } from '../../src/redis/move-live.js'
import { RingClient } from '../../src/redis/ring-client.js'
import { createRouter, firstState, migrateState, prepareState, type RingState } from '../../src/ring/epoch.js'
import { startServers, type TestServers, testTopology } from '../support/redis-servers.js'

describe('a ring client', () => {
  let servers: TestServers
  let client: RingClient
  let stored: StoredState
  let count = 0
  const open = () => createFileStore(`${servers.directory}/control-${count}`, systemClock)

  before(async () => {
    servers = await startServers(2)
  })
  after(() => servers.stop())
  beforeEach(async () => {
    count += 1
    for (const index of [0, 1]) await (await servers.connect(index)).call('FLUSHALL')
    stored = (await open().compareAndSwap(undefined, firstState(testTopology([servers.servers[0]!.node]))))!
    client = await openClient()
  })
  afterEach(() => client.close())

  function openClient(): Promise<RingClient> {
    return RingClient.open({
      control: open(),
      readAccess: async (nodes) => nodes.map((node) => ({ node })),
      clock: systemClock,
      origin: 'a test',
      commandTimeoutMs: 500,
    })
  }

  const both = () => testTopology(servers.servers.map(({ node }) => node))
  async function publish(next: RingState): Promise<void> {
    stored = (await open().compareAndSwap(stored, next))!
  }
  async function untilAcked(epoch: number): Promise<void> {
    while ((await open().clients()).some(({ ackedEpoch }) => ackedEpoch < epoch)) await systemClock.sleep(5)
  }
  /** A key that moves from n1 to n2. */
  function movingKey(): string {
    const route = createRouter(prepareState(stored.state, both()))
    return Array.from({ length: 100 }, (_, index) => `key:${index}`).find(
      (key) => route(Buffer.from(key)).target === 'n2',
    )!
  }
  const at = async (index: number, key: string) => {
    const reply = await (await servers.connect(index)).call('GET', key)
    return reply === null ? null : String(reply)
  }

  it('registers, serves, and takes its name off', async () => {
    assert.equal(await client.call('SET', 'k', 'v'), 'OK')
    assert.equal(String(await client.call('GET', 'k')), 'v')
    const records = await open().clients()
    assert.deepEqual(
      records.map(({ id, ackedEpoch }) => [id, ackedEpoch]),
      [[client.id, 1]],
    )
    const list = String(await (await servers.connect(0)).call('CLIENT', 'LIST'))
    assert.match(list, new RegExp(`name=cc:${client.id}:`))
    await client.close()
    assert.deepEqual(await open().clients(), [])
  })

  it('adopts a new epoch and says so, by itself', async () => {
    await publish(prepareState(stored.state, both()))
    await untilAcked(2)
    assert.equal(client.epoch, 2)
  })

  it('in prepare writes through the gate, and waits while it is closed', async () => {
    const key = movingKey()
    await (await servers.connect(0)).send([raiseGateCommand(2)])
    await publish(prepareState(stored.state, both()))
    await untilAcked(2)
    assert.equal(await client.call('SET', key, 'one'), 'OK')
    await (await servers.connect(0)).send([raiseGateCommand(3)])
    const late = client.call('SET', key, 'two')
    await systemClock.sleep(50)
    assert.equal(await at(0, key), 'one')
    await publish(migrateState(stored.state))
    assert.equal(await late, 'OK')
    assert.deepEqual([await at(0, key), await at(1, key)], [null, 'two'])
  })

  it('in prepare rejects where the gate is lost', async () => {
    const key = movingKey()
    await publish(prepareState(stored.state, both()))
    await untilAcked(2)
    const write = client.call('SET', key, 'v')
    await systemClock.sleep(30)
    assert.equal(await at(0, key), null)
    await (await servers.connect(0)).send([raiseGateCommand(2)])
    assert.equal(await write, 'OK')
    assert.equal(String(await (await servers.connect(0)).call('GET', gateKey)), '2')
  })

  it('in migrate reads a key wherever it is, and moves it before it writes', async () => {
    const key = movingKey()
    await client.call('RPUSH', key, 'a')
    await client.call('PEXPIRE', key, 100_000)
    await publish(migrateState(prepareState(stored.state, both())))
    await untilAcked(3)
    assert.equal(String(await client.call('LRANGE', key, 0, -1)), 'a')
    assert.equal(await client.call('RPUSH', key, 'b'), 2)
    assert.equal(String(await client.call('LRANGE', key, 0, -1)), 'a,b')
    assert.ok(Number(await client.call('PTTL', key)) > 90_000)
    assert.equal(await (await servers.connect(0)).call('EXISTS', key), 0)
    assert.equal(await client.call('DEL', key), 1)
    assert.equal(await client.call('LLEN', key), 0)
    assert.equal(await client.call('DEL', key), 0)
  })

  it('never misses a key that moves between its looks', async () => {
    const route = createRouter(prepareState(stored.state, both()))
    const names = Array.from({ length: 1_000 }, (_, index) => `key:${index}`)
    const moving = names.filter((name) => route(Buffer.from(name)).target === 'n2')
    await Promise.all(moving.map((name) => client.call('SET', name, name)))
    await publish(migrateState(prepareState(stored.state, both())))
    await untilAcked(3)
    const pair = { source: await servers.connect(0), target: await servers.connect(1) }
    for (const name of moving) {
      const reads = Array.from({ length: 8 }, () => client.call('GET', name))
      await moveLive(pair, [Buffer.from(name)], { bigKeyBytes: 2 ** 20 })
      for (const read of reads) assert.equal(String(await read), name)
    }
  })

  it('splits reads of several owners, and refuses what must be atomic', async () => {
    await publish(migrateState(prepareState(stored.state, both())))
    await untilAcked(3)
    const names = Array.from({ length: 20 }, (_, index) => `k${index}`)
    for (const name of names) await client.call('SET', name, name)
    assert.deepEqual(
      ((await client.call('MGET', ...names, 'none')) as unknown[]).map((each) => each && String(each)),
      [...names, null],
    )
    assert.equal(await client.call('EXISTS', ...names), 20)
    await assert.rejects(client.call('MSET', ...names), {
      exitCode: 2,
      message: /MSET can't run .*several owners/,
    })
    await assert.rejects(client.call('BLPOP', 'k1', 0), { exitCode: 2, message: /blocks/ })
    await assert.rejects(client.call('PING'), { exitCode: 2, message: /names no key/ })
    assert.equal(await client.call('DEL', ...names), 20)
  })

  it('says that an outcome is unknown, and sends nothing twice', async () => {
    await client.call('SET', 'n', '1')
    process.kill(servers.servers[0]!.pid, 'SIGSTOP')
    try {
      await assert.rejects(client.call('INCR', 'n'), { message: /^unknown outcome: node n1/ })
    } finally {
      process.kill(servers.servers[0]!.pid, 'SIGCONT')
    }
    await publish(prepareState(stored.state, both()))
    await untilAcked(2)
    assert.ok(['1', '2'].includes(String(await client.call('GET', 'n'))))
  })

  it('errors of the server come with the node’s name', async () => {
    await client.call('SET', 'text', 'abc')
    await assert.rejects(client.call('INCR', 'text'), {
      message: /node n1 .*INCR: ERR value is not an integer/,
    })
  })

  it('whose connections an operator has ended reads the state anew', async () => {
    await client.call('SET', 'k', 'v')
    await (await servers.connect(0)).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await publish(prepareState(stored.state, both()))
    assert.equal(String(await client.call('GET', 'k')), 'v')
    assert.equal(client.epoch, 2)
  })
})
