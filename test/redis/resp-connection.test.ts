import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '../../src/clock.js'
import { readFacts } from '../../src/redis/node-facts.js'
import { openConnection } from '../../src/redis/resp-connection.js'
import { freePort, startServers, type TestServers, testNode } from '../support/redis-servers.js'

describe('a connection for pipelines', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1, { args: ['--requirepass', 'right-password'] })
  })
  after(() => servers.stop())

  const access = (more: object = {}) => ({
    node: { ...servers.servers[0]!.node, ...more },
    password: 'right-password',
  })

  /** A server that answers the first `answered` commands with +OK and then does as told. */
  async function fakeServer(
    onCommand: (socket: Socket, count: number) => void,
  ): Promise<{ server: Server; port: number }> {
    let count = 0
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.on('data', () => onCommand(socket, ++count))
    })
    const port = await freePort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return { server, port }
  }

  it('logs in, names itself, selects its database', async () => {
    const connection = await openConnection(access({ db: 3 }), { clientName: 'tester' })
    const list = String(await connection.call('CLIENT', 'LIST'))
    assert.match(list, /name=tester.* db=3 /)
    connection.close()
  })

  it('says which node refused the password, and never the password', async () => {
    await assert.rejects(openConnection({ ...access(), password: 'wrong-secret' }), (error: Error) => {
      assert.match(error.message, /node n1 \(127\.0\.0\.1:\d+\): .*WRONGPASS/)
      assert.doesNotMatch(JSON.stringify(error) + error.message + String(error.cause), /wrong-secret/)
      return true
    })
  })

  it('throws an error reply of one command, and gives those of a pipeline as values', async () => {
    const connection = await openConnection(access())
    await assert.rejects(connection.call('NOSUCH'), { message: /node n1 .*NOSUCH: ERR unknown command/ })
    const replies = await connection.send([
      ['SET', 'k', 'v'],
      ['INCR', 'k'],
      ['GET', 'k'],
    ])
    assert.equal(replies[0], 'OK')
    assert.match(String((replies[1] as { message: string }).message), /not an integer/)
    assert.equal(String(replies[2]), 'v')
    connection.close()
  })

  it('fails what is under way when it is lost, and sends nothing again', async () => {
    let received = 0
    const { server, port } = await fakeServer((socket, count) => {
      received = count
      socket.destroy()
    })
    const connection = await openConnection({ node: testNode('gone', port) })
    const results = await Promise.allSettled([connection.call('INCR', 'k'), connection.call('INCR', 'k')])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    assert.equal(connection.isLost, true)
    await assert.rejects(connection.call('GET', 'k'), { exitCode: 4 })
    assert.equal(received, 1)
    server.close()
  })

  it('gives up on a server that falls silent', async () => {
    const { server, port } = await fakeServer(() => undefined)
    const connection = await openConnection({ node: testNode('mute', port) }, { idleTimeoutMs: 50 })
    await assert.rejects(connection.call('GET', 'k'), {
      exitCode: 4,
      message: /node mute .*no reply for 50 ms/,
    })
    server.close()
  })

  it('gives up on a silent server although others keep sending on the same connection', async () => {
    const { server, port } = await fakeServer(() => undefined)
    const connection = await openConnection({ node: testNode('mute', port) }, { idleTimeoutMs: 100 })
    let failed = false
    const first = connection.call('GET', 'k').catch((error: Error) => {
      failed = true
      return error.message
    })
    const others: Promise<unknown>[] = []
    for (let sent = 0; sent < 40 && !failed; sent++) {
      others.push(connection.call('GET', 'k').catch(() => undefined))
      await systemClock.sleep(20)
    }
    const gaveUp = failed
    connection.close()
    await Promise.all(others)
    server.close()
    assert.equal(gaveUp, true)
    assert.match(String(await first), /no reply for 100 ms/)
  })

  it('notices a port that speaks something else', async () => {
    const { server, port } = await fakeServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const connection = await openConnection({ node: testNode('web', port) })
    await assert.rejects(connection.call('PING'), { message: /node web .*not a Redis reply/ })
    server.close()
  })

  it('names the right that is missing', async () => {
    const admin = await openConnection(access())
    await admin.call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+get')
    const connection = await openConnection({
      node: { ...access().node, username: 'reader' },
      password: 'pw',
    })
    await assert.rejects(connection.call('SET', 'k', 'v'), { exitCode: 5, message: /NOPERM.*set/ })
    connection.close()
    admin.close()
  })
})

describe('what a node says about itself', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1, { args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] })
  })
  after(() => servers.stop())

  it('is read from the server', async () => {
    const { node } = servers.servers[0]!
    const connection = await servers.connect(0)
    await connection.call('SET', 'k', 'v')
    const facts = await readFacts({ node })
    assert.match(facts.version, /^(Redis|Valkey) \d+\.\d+/)
    assert.match(facts.runId, /^[0-9a-f]{40}$/)
    assert.deepEqual(
      [facts.role, facts.keyCount, facts.maxmemoryBytes, facts.evictionPolicy],
      ['master', 1, 50 * 2 ** 20, 'allkeys-lru'],
    )
    assert.ok(facts.usedMemoryBytes > 0 && facts.keyBytes > 0 && Math.abs(facts.clockOffsetMs) < 1_000)
    await connection.call('REPLICAOF', '127.0.0.1', await freePort())
    assert.equal((await readFacts({ node })).role, 'replica')
  })

  it('or why it does not answer', async () => {
    const port = await freePort()
    await assert.rejects(readFacts({ node: testNode('dead', port) }), {
      exitCode: 4,
      message: `node dead (127.0.0.1:${port}): connection refused (ECONNREFUSED)`,
    })
  })
})
