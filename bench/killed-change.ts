/**
 * 200,000 keys of all types on three nodes: a fourth joins, the first leaves, weights change, and the command is killed
 * ten times on the way. Afterwards every key lies once, on its owner, with its value and its expiry.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { systemClock } from '../src/clock.js'
import { parseTopology } from '../src/files/topology-file.js'
import { createRandom, freshSeed } from '../src/random.js'
import type { RespConnection } from '../src/redis/resp-connection.js'
import { buildRing } from '../src/ring/build-ring.js'
import { runCli, startCli } from '../test/support/cli.js'
import { awkwardKey, createCommands, fingerprint } from '../test/support/data-set.js'
import { startServers, type TestServers } from '../test/support/redis-servers.js'
import { header, print } from './support/report.js'

const keyCount = 200_000
const kills = 10
const random = createRandom(Number(process.argv[2] ?? freshSeed()))

header(`migration of ${keyCount.toLocaleString('en')} keys of all types, seed ${random.seed}`)
const servers = await startServers(4)
try {
  const file = await servers.topologyFile({ count: 3 })
  const original = await fill(servers, file)
  for (const args of [
    ['ring', 'add', `n4=${servers.servers[3]!.url}`],
    ['ring', 'remove', 'n1'],
    ['ring', 'rebalance', 'n2=2', 'n3=3'],
  ]) {
    const result = await runCli([...args, '-t', file, '--yes', '--json'])
    assert.equal(result.exitCode, 0, result.stdout + result.stderr)
    const change = JSON.parse(result.stdout)
    await verify(servers, file, original)
    print(
      `${args.slice(0, 2).join(' ').padEnd(16)} ${change.movedKeyCount} keys, ${Math.round(change.keysPerSec)} keys/s; all ${keyCount} keys intact`,
    )
  }
  await killAndFinish(servers, file, original)
} finally {
  await servers.stop()
}

type Data = Awaited<ReturnType<typeof fingerprint>>

async function fill(all: TestServers, file: string): Promise<Data> {
  const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
  const connections = await Promise.all([0, 1, 2].map((index) => all.connect(index)))
  const nowMs = systemClock.wallMs()
  for (let start = 0; start < keyCount; start += 2_000) {
    const batches: Parameters<RespConnection['send']>[0][number][][] = [[], [], []]
    for (let index = start; index < start + 2_000; index++)
      batches[ring.ownerIndex(awkwardKey(index))]!.push(...createCommands(index, nowMs))
    await Promise.all(connections.map((connection, index) => connection.send(batches[index]!)))
  }
  const data: Data = new Map()
  for (const connection of connections)
    for (const [key, value] of await fingerprint(connection)) data.set(key, value)
  assert.equal(data.size, keyCount)
  return data
}

async function verify(all: TestServers, file: string, original: Data): Promise<void> {
  const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
  let found = 0
  for (const [index, { id }] of all.servers.entries()) {
    for (const [key, value] of await fingerprint(await all.connect(index))) {
      const expected = original.get(key)!
      assert.equal(ring.topology.nodes[ring.ownerIndex(Buffer.from(key, 'latin1'))]!.id, id)
      assert.ok(value.dump.equals(expected.dump), `${JSON.stringify(key)} has another value`)
      assert.ok(Math.abs(value.expiresAtMs - expected.expiresAtMs) <= 50)
      found += 1
    }
  }
  // each lies on its owner, so none can lie twice
  assert.equal(found, keyCount)
  const check = await runCli(['ring', 'check', '-t', file, '--json'])
  assert.equal(check.exitCode, 0, check.stdout + check.stderr)
}

/** n1 comes and goes; each time the command is killed at a random moment of its work and run again. */
async function killAndFinish(all: TestServers, file: string, original: Data): Promise<void> {
  let cut = 0
  for (let round = 0; round < kills; round++) {
    const args = round % 2 === 0 ? ['ring', 'add', `n1=${all.servers[0]!.url}`] : ['ring', 'remove', 'n1']
    const before = await readFile(file, 'utf8')
    const { child, result } = startCli([...args, '-t', file, '--yes'])
    await untilPart(all, random.next())
    child.kill('SIGKILL')
    const killed = await result
    if (killed.signal === 'SIGKILL') cut += 1
    if ((await readFile(file, 'utf8')) === before) {
      const second = await runCli([...args, '-t', file, '--yes'])
      assert.equal(second.exitCode, 0, second.stderr)
    }
    await verify(all, file, original)
  }
  print(`kill -9 ${kills} times (${cut} of them before the end): the second run finished each, nothing lost`)
}

/** Waits until about that share of n1's keys has come or gone. */
async function untilPart(all: TestServers, share: number): Promise<void> {
  const n1 = await all.connect(0)
  const before = Number(await n1.call('DBSIZE'))
  const wanted = share * (keyCount / 8)
  const startedMs = systemClock.nowMs()
  while (
    Math.abs(Number(await n1.call('DBSIZE')) - before) < wanted &&
    systemClock.nowMs() - startedMs < 10_000
  )
    await systemClock.sleep(1)
}
