import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { parseTopology } from '../../src/files/topology-file.js'
import { createRandom, freshSeed } from '../../src/random.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { runCli, startCli } from '../support/cli.js'
import { awkwardKey, createCommands, fingerprint } from '../support/data-set.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const keyCount = 12_000
const random = createRandom(Number(process.env.SEED ?? freshSeed()))

describe(`a change of the ring that is cut short (SEED=${random.seed})`, () => {
  let servers: TestServers
  let file: string
  let original: Awaited<ReturnType<typeof fingerprint>>

  before(async () => {
    servers = await startServers(4)
    file = await servers.topologyFile({ count: 3 })
    const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
    const nowMs = systemClock.wallMs()
    const connections = await Promise.all([0, 1, 2].map((index) => servers.connect(index)))
    for (let index = 0; index < keyCount; index++)
      connections[ring.ownerIndex(awkwardKey(index))]!.send(createCommands(index, nowMs))
    original = new Map((await Promise.all(connections.map(fingerprint))).flatMap((data) => [...data]))
    assert.equal(original.size, keyCount)
  })
  after(() => servers.stop())

  async function assertIntact(): Promise<void> {
    const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
    const found: typeof original = new Map()
    for (const [index, { id }] of servers.servers.entries()) {
      for (const [key, value] of await fingerprint(await servers.connect(index))) {
        assert.equal(ring.topology.nodes[ring.ownerIndex(Buffer.from(key, 'latin1'))]!.id, id)
        found.set(key, value)
      }
    }
    assert.deepEqual(found, original)
  }

  const add = () => ['ring', 'add', `n4=${servers.servers[3]!.url}`, '-t', file, '--yes']
  const remove = () => ['ring', 'remove', 'n4', '-t', file, '--yes']

  /** Starts the change and waits until the joining or leaving node has seen part of it. */
  async function startAndWait(args: readonly string[], share: number) {
    const newcomer = await servers.connect(3)
    const before = Number(await newcomer.call('DBSIZE'))
    const run = startCli(args)
    let ended = false
    run.result.then(() => {
      ended = true
    })
    const wanted = (share * keyCount) / 4
    while (!ended && Math.abs(Number(await newcomer.call('DBSIZE')) - before) < wanted)
      await systemClock.sleep(1)
    return run
  }

  for (const share of [0, random.next(), random.next()]) {
    it(`fault-05: kill -9 after ${Math.round(100 * share)} % of the keys: the same command again finishes, nothing is lost`, async () => {
      for (const args of [add(), remove()]) {
        const before = await readFile(file, 'utf8')
        const { child, result } = await startAndWait(args, share)
        child.kill('SIGKILL')
        await result
        if ((await readFile(file, 'utf8')) === before) {
          const second = await runCli(args)
          assert.equal(second.exitCode, 0, second.stderr)
        }
        await assertIntact()
      }
    })
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`fault-11: ${signal} stops it cleanly: exit 130, how it goes on, the topology as it was, and resume finishes`, async () => {
      const before = await readFile(file, 'utf8')
      const { child, result } = await startAndWait([...add(), '--max-keys-per-sec', '4000'], 0.1)
      child.kill(signal)
      const { exitCode, stderr } = await result
      assert.equal(exitCode, 130, stderr)
      assert.match(stderr, new RegExp(`stopped by ${signal}[\\s\\S]*ring resume`))
      assert.equal(await readFile(file, 'utf8'), before)
      assert.equal((await runCli(['ring', 'resume', '-t', file, '--yes'])).exitCode, 0)
      await assertIntact()
      assert.equal((await runCli(remove())).exitCode, 0)
    })
  }

  it('fault-11: a second signal ends it at once, as kill -9 does', async () => {
    const { child, result } = await startAndWait(add(), 0.02)
    // sources that stand still keep it from finishing what is under way
    const sources = servers.servers.slice(0, 3)
    for (const { pid } of sources) process.kill(pid, 'SIGSTOP')
    await systemClock.sleep(200)
    child.kill('SIGINT')
    await systemClock.sleep(300)
    assert.equal(child.exitCode, null)
    child.kill('SIGINT')
    const { exitCode } = await result
    for (const { pid } of sources) process.kill(pid, 'SIGCONT')
    assert.equal(exitCode, 130)
    assert.equal((await runCli(['ring', 'resume', '-t', file, '--yes'])).exitCode, 0)
    await assertIntact()
  })

  it('fault-13: a server that stands still for a second delays it, no more', async () => {
    const { result } = await startAndWait(remove(), 0.1)
    process.kill(servers.servers[1]!.pid, 'SIGSTOP')
    await systemClock.sleep(1_000)
    process.kill(servers.servers[1]!.pid, 'SIGCONT')
    const { exitCode, stderr } = await result
    assert.equal(exitCode, 0, stderr)
    await assertIntact()
  })
})
