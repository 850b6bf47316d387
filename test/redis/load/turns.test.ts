/** Two loads in turns on a real server: who sends when, and what is counted of whom. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import type { BenchFlags } from '../../../src/bench-flags.js'
import { toBenchJob } from '../../../src/bench-job.js'
import { systemClock } from '../../../src/clock.js'
import { foldRun } from '../../../src/measure/bench-measures.js'
import type { LoadRequest } from '../../../src/operations/ports.js'
import { createTurns } from '../../../src/redis/load/turns.js'
import { startServers, type TestServers, testTopology } from '../../support/redis-servers.js'

const flags: BenchFlags = {
  connections: 8,
  pipeline: 2,
  threads: 2,
  'max-in-flight': 1_000,
  pace: 'low-cpu',
  'allow-missing': false,
  verify: false,
  prefix: '',
  keep: false,
  fill: false,
  keys: 50,
  seed: 7,
}
const turnMs = 40

describe('two loads in turns', () => {
  let servers: TestServers

  before(async () => {
    servers = await startServers(1)
  })
  after(() => servers.stop())

  async function requestOf(prefix: string, more: Partial<BenchFlags> = {}): Promise<LoadRequest> {
    const topology = testTopology([servers.servers[0]!.node])
    const { phases, ...job } = await toBenchJob({ ...flags, prefix, ...more }, topology)
    return { ...job, watchNodes: false, phases: [{ ...phases[0]!, durationMs: turnMs }] }
  }

  function turns() {
    const access = [{ node: servers.servers[0]!.node }]
    return createTurns({ a: access, b: access }, systemClock)
  }

  it('A B, B A A B: nothing of one is under way while the other sends, and each is counted by itself', async () => {
    const monitor = await watchCommands(servers.servers[0]!.port)
    const requests = { a: await requestOf('a:'), b: await requestOf('b:') }
    const { signal } = new AbortController()
    const counted = { a: 0, b: 0 }
    for await (const { a, b } of turns().run(requests, { turnMs, pairs: [1, 2], signal })) {
      for (const [side, counts] of [
        ['a', a],
        ['b', b],
      ] as const) {
        const { overall, seconds, errors } = foldRun(counts)
        counted[side] += overall.count
        assert.equal(errors, 0)
        assert.ok(overall.count > 0 && seconds > 0)
      }
    }
    const owners = await monitor.end()
    const changes = owners.filter((owner, index) => owner !== owners[index - 1])
    assert.equal(changes.join(''), 'abab')
    const of = (side: string) => owners.filter((owner) => owner === side).length
    assert.deepEqual(counted, { a: of('a'), b: of('b') })
  })

  it('on schedule: every turn has its requests, the second of two in a row as well', async () => {
    const rate = { rate: '2000', threads: 1 }
    const requests = { a: await requestOf('a:', rate), b: await requestOf('b:', rate) }
    const { signal } = new AbortController()
    for await (const { a, b } of turns().run(requests, { turnMs, pairs: [1, 2, 2], signal })) {
      const [one, other] = [foldRun(a), foldRun(b)]
      assert.equal(one.offered, other.offered)
      assert.equal((one.offered ?? 0) % 80, 0, `${one.offered} due in turns of 80`)
      assert.equal(one.overall.count, (one.offered ?? 0) + (one.operations.fill?.count ?? 0))
      assert.equal(one.achievedShare, 1)
    }
  })

  it('ends after the pair in which it is aborted, and leaves no connection', async () => {
    const requests = { a: await requestOf('a:'), b: await requestOf('b:') }
    const controller = new AbortController()
    let pairs = 0
    const options = { turnMs, pairs: Array.from({ length: 1_000 }, () => 1), signal: controller.signal }
    for await (const _ of turns().run(requests, options)) {
      pairs += 1
      if (pairs === 2) controller.abort()
    }
    assert.equal(pairs, 2)
    const admin = await servers.connect(0)
    const connected = async () =>
      Number(/connected_clients:(\d+)/.exec(String(await admin.call('INFO', 'clients')))![1])
    while ((await connected()) > 1) await systemClock.sleep(10)
  })
})

/** The prefixes of all GETs and SETs, in the order in which the server ran them. */
async function watchCommands(port: number): Promise<{ end(): Promise<string[]> }> {
  const socket: Socket = connect({ port, host: '127.0.0.1' })
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.write('MONITOR\r\n')
  while (!text.startsWith('+OK')) await systemClock.sleep(5)
  return {
    async end() {
      let length = -1
      while (length !== text.length) {
        length = text.length
        await systemClock.sleep(50)
      }
      socket.destroy()
      return [...text.matchAll(/"(?:GET|SET)" "([ab]):/g)].map(([, prefix]) => prefix!)
    },
  }
}
