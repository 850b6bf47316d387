/** What a ring client does in the corners of a change: several keys, scripts, error replies, waits that end. */
import assert from 'node:assert/strict'
import type { StoredState } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createFileStore } from '../../src/control/file-store.js'
import { raiseGateCommand } from '../../src/redis/gate.js'
import { moveLive } from '../../src/redis/move-live.js'
import { type Command, ReplyError } from '../../src/redis/resp.js'
import { type OpenConnection, openConnection } from '../../src/redis/resp-connection.js'
import { RingClient } from '../../src/redis/ring-client.js'
import { takeWanted } from '../../src/redis/wanted-keys.js'
import { createRouter, firstState, migrateState, prepareState, type RingState } from '../../src/ring/epoch.js'
import { startServers, type TestServers, testTopology } from '../support/redis-servers.js'

describe('a ring client in the middle of a change', () => {
  let servers: TestServers
  let client: RingClient
  let stored: StoredState
  let count = 0
  /** Replaces a command's answer; undefined: the server's own. */
  let answer: (command: Command, node: string) => ReplyError | undefined
  const store = () => createFileStore(`${servers.directory}/control-${count}`, systemClock)

  before(async () => {
    servers = await startServers(2)
  })
  after(() => servers.stop())
  beforeEach(async () => {
    count += 1
    answer = () => undefined
    for (const index of [0, 1]) await (await servers.connect(index)).call('FLUSHALL')
    stored = (await store().compareAndSwap(undefined, firstState(testTopology([servers.servers[0]!.node]))))!
    client = await RingClient.open({
      control: store(),
      readAccess: async (nodes) => nodes.map((node) => ({ node })),
      clock: systemClock,
      origin: 'a test',
      commandTimeoutMs: 500,
      waitTimeoutMs: 300,
      open,
    })
  })
  afterEach(() => client.close())

  const open: OpenConnection = async (access, options) => {
    const real = await openConnection(access, options)
    return new Proxy(real, {
      get(target, property) {
        if (property !== 'send') return Reflect.get(target, property, target)
        return async (commands: readonly Command[]) => {
          const replies = await target.send(commands)
          return replies.map((reply, index) => answer(commands[index]!, access.node.id) ?? reply)
        }
      },
    })
  }

  const both = () => testTopology(servers.servers.map(({ node }) => node))
  const server = (index: number) => servers.connect(index)
  async function publish(next: RingState): Promise<void> {
    stored = (await store().compareAndSwap(stored, next))!
    while ((await store().clients()).some(({ ackedEpoch }) => ackedEpoch < next.epoch))
      await systemClock.sleep(5)
  }
  const prepare = async () => {
    await (await server(0)).send([raiseGateCommand(stored.state.epoch + 1)])
    await publish(prepareState(stored.state, both()))
  }
  const migrate = async () => {
    await (await server(0)).send([raiseGateCommand(stored.state.epoch + 1)])
    await publish(migrateState(stored.state))
  }
  /** Keys of one hash tag that move from n1 to n2. */
  function movingKeys(): [string, string] {
    const route = createRouter(prepareState(stored.state, both()))
    const tag = Array.from({ length: 100 }, (_, index) => `{t${index}}`).find(
      (each) => route(Buffer.from(each)).target === 'n2',
    )!
    return [`${tag}a`, `${tag}b`]
  }
  const list = (reply: unknown) => (reply as unknown[]).map(String).sort()

  it('several keys in one read are seen at one moment, wherever each of them is', async () => {
    const [a, b] = movingKeys()
    await client.call('SADD', a, 'one')
    await client.call('SADD', b, 'two')
    await prepare()
    assert.deepEqual(list(await client.call('SUNION', a, b)), ['one', 'two'])
    await migrate()
    await moveLive({ source: await server(0), target: await server(1) }, [Buffer.from(a)], {
      bigKeyBytes: 2 ** 20,
    })
    assert.deepEqual(list(await client.call('SUNION', a, b)), ['one', 'two'])
    assert.equal(await (await server(0)).call('EXISTS', a, b), 0)
  })

  it('a script runs on the keys of one owner, in each phase, and the gate holds for it too', async () => {
    const [a] = movingKeys()
    const append = (text: string) =>
      client.call('EVAL', "return redis.call('APPEND', KEYS[1], ARGV[1])", 1, a, text)
    assert.equal(await append('1'), 1)
    await prepare()
    assert.equal(await append('2'), 2)
    await (await server(0)).send([raiseGateCommand(stored.state.epoch + 1)])
    await assert.rejects(append('x'), { exitCode: 6, message: /waited 300 ms/ })
    await migrate()
    assert.equal(await append('3'), 3)
    assert.equal(String(await client.call('GET', a)), '123')
  })

  it('an error reply never passes for an absent key', async () => {
    const [a] = movingKeys()
    await client.call('SET', a, '41')
    await prepare()
    await migrate()
    answer = (command, node) =>
      node === 'n1' && command[0] === 'EXISTS' ? new ReplyError('NOPERM', 'NOPERM no EXISTS') : undefined
    await assert.rejects(client.call('INCR', a), { message: /n1.*NOPERM|NOPERM/ })
    await assert.rejects(client.call('GET', a), { message: /NOPERM/ })
    assert.equal(await (await server(1)).call('EXISTS', a), 0)
    answer = () => undefined
    assert.equal(await client.call('INCR', a), 42)
  })

  it('a server that does not serve now has not run the command: it is asked again, and never called unknown', async () => {
    let refusals = 2
    answer = (command) =>
      command[0] === 'ECHO' || (command[0] === 'TYPE' && refusals-- > 0)
        ? new ReplyError('LOADING', 'LOADING Redis is loading the dataset in memory')
        : undefined
    assert.equal(await client.call('TYPE', 'k'), 'none')
    answer = (command) => (command[0] === 'SET' ? new ReplyError('BUSY', 'BUSY a script runs') : undefined)
    await assert.rejects(client.call('SET', 'k', 'v'), { exitCode: 4, message: /^node n1 .*SET: BUSY/ })
  })

  it('MGET of several owners keeps the order, and has nil for what is no string', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `k${index}`)
    for (const name of names) await client.call('SET', name, name)
    await client.call('DEL', 'k7')
    await client.call('RPUSH', 'k7', 'a list')
    const expected = names.map((name) => (name === 'k7' ? null : name))
    const read = async () =>
      ((await client.call('MGET', ...names)) as unknown[]).map((each) => each && String(each))
    assert.deepEqual(await read(), expected)
    await prepare()
    assert.deepEqual(await read(), expected)
    await migrate()
    assert.deepEqual(await read(), expected)
  })

  it('a write to a big key that has not moved says so to its node, waits, and gives up in time', async () => {
    const [a] = movingKeys()
    await client.call('SET', a, 'x'.repeat(2 ** 21))
    await prepare()
    await migrate()
    await assert.rejects(client.call('APPEND', a, 'y'), { exitCode: 6, message: /APPEND .*waited 300 ms/ })
    assert.deepEqual((await takeWanted(await server(0))).map(String), [a])
    assert.equal(await (await server(0)).call('STRLEN', a), 2 ** 21)
  })

  it('what belongs to a connection is refused', async () => {
    for (const command of ['WATCH', 'MIGRATE'])
      await assert.rejects(client.call(command, 'k'), { exitCode: 2 })
  })

  it('a control store that went back in time is not believed', async () => {
    await client.call('SET', 'k', 'v')
    await prepare()
    const old = { ...stored.state, epoch: 1, phase: 'stable' as const, after: stored.state.before }
    stored = (await store().compareAndSwap(stored, old))!
    assert.equal(await client.call('SET', 'k', 'on a known connection'), 'OK')
    await (await server(0)).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await assert.rejects(
      async () => {
        for (;;) await client.call('GET', 'k')
      },
      { exitCode: 5, message: /holds epoch 1, but epoch 2 was served already/ },
    )
  })
})
