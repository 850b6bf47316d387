import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { parseTopology } from '../../src/files/topology-file.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { runCli } from '../support/cli.js'
import { awkwardKey, createCommands, fingerprint } from '../support/data-set.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const keyCount = 6_000

describe('ring add, remove and rebalance on real servers', () => {
  let servers: TestServers
  let file: string
  const original = new Map<string, { dump: Buffer; expiresAtMs: number }>()

  before(async () => {
    servers = await startServers(4)
    file = await servers.topologyFile({ count: 3 })
    const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
    const connections = await Promise.all([0, 1, 2].map((index) => servers.connect(index)))
    const nowMs = systemClock.wallMs()
    for (let index = 0; index < keyCount; index++) {
      await connections[ring.ownerIndex(awkwardKey(index))]!.send(createCommands(index, nowMs))
    }
    for (const connection of connections)
      for (const [key, value] of await fingerprint(connection)) original.set(key, value)
    assert.equal(original.size, keyCount)
  })
  after(() => servers.stop())

  async function assertIntact(): Promise<void> {
    const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
    const found = new Map<string, number>()
    for (const [index, { id }] of servers.servers.entries()) {
      for (const [key, value] of await fingerprint(await servers.connect(index))) {
        assert.equal(found.get(key), undefined, `${JSON.stringify(key)} lies on two nodes`)
        found.set(key, index)
        assert.equal(ring.topology.nodes[ring.ownerIndex(Buffer.from(key, 'latin1'))]!.id, id)
        assert.ok(value.dump.equals(original.get(key)!.dump), `${JSON.stringify(key)} has another value`)
        assert.equal(value.expiresAtMs, original.get(key)!.expiresAtMs)
      }
    }
    assert.equal(found.size, keyCount)
    const check = await runCli(['ring', 'check', '-t', file, '--json'])
    assert.equal(check.exitCode, 0, check.stderr)
    assert.deepEqual(pick(JSON.parse(check.stdout)), { keyCount, misplacedCount: 0, duplicateCount: 0 })
  }

  function pick({ keyCount: count, misplacedCount, duplicateCount }: Record<string, unknown>) {
    return { keyCount: count, misplacedCount, duplicateCount }
  }

  it('adds a node: a quarter of the keys move to it, nothing else', async () => {
    const result = await runCli([
      'ring',
      'add',
      `n4=${servers.servers[3]!.url}`,
      '-t',
      file,
      '--yes',
      '--json',
    ])
    assert.equal(result.exitCode, 0, result.stderr)
    const change = JSON.parse(result.stdout)
    assert.equal(change.schema, 'cachectl/change/v1')
    assert.equal(change.plan.sidewaysShare, 0)
    assert.ok(
      change.movedKeyCount > keyCount * 0.2 && change.movedKeyCount < keyCount * 0.3,
      String(change.movedKeyCount),
    )
    await assertIntact()
  })

  it('rebalances', async () => {
    const result = await runCli(['ring', 'rebalance', 'n4=3', 'n2=2', '-t', file, '--yes'])
    assert.equal(result.exitCode, 0, result.stderr)
    await assertIntact()
  })

  it('removes a node', async () => {
    const result = await runCli(['ring', 'remove', 'n1', '-t', file, '--yes'])
    assert.equal(result.exitCode, 0, result.stderr)
    await assertIntact()
    const first = await servers.connect(0)
    assert.equal(await first.call('DBSIZE'), 0)
  })

  it('needs --yes where nobody can answer, and then changes nothing', async () => {
    const before = await readFile(file, 'utf8')
    const result = await runCli(['ring', 'remove', 'n2', '-t', file])
    assert.equal(result.exitCode, 5)
    assert.match(result.stderr, /not confirmed/)
    assert.equal(await readFile(file, 'utf8'), before)
  })

  it('leaves a key alone that holds two values, and says so', async () => {
    const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
    const key = Buffer.from('conflict')
    const owner = ring.topology.nodes[ring.ownerIndex(key)]!.id
    const ownerIndex = servers.servers.findIndex(({ id }) => id === owner)
    const strayIndex = servers.servers.findIndex(({ id }) => id !== owner && id !== 'n1')
    const [home, stray] = [await servers.connect(ownerIndex), await servers.connect(strayIndex)]
    await home.call('SET', key, 'right')
    await stray.call('SET', key, 'wrong')
    const result = await runCli(['ring', 'check', '-t', file, '--repair', '--json'])
    assert.equal(result.exitCode, 3)
    assert.equal(JSON.parse(result.stdout).repair.conflictCount, 1)
    assert.equal(String(await home.call('GET', key)), 'right')
    assert.equal(String(await stray.call('GET', key)), 'wrong')
    await stray.call('SET', key, 'right')
    const second = await runCli(['ring', 'check', '-t', file, '--repair', '--json'])
    assert.equal(second.exitCode, 0, second.stdout)
    assert.equal(await stray.call('EXISTS', key), 0)
    await home.call('DEL', key)
  })

  it('names the rights that are missing, before anything is written', async () => {
    const path = `${servers.directory}/limited.yaml`
    const secrets = 'username: limited, passwordEnv: TEST_PASSWORD'
    const nodes = servers.servers
      .slice(0, 2)
      .map(({ id, url }) => `  - {id: ${id}, url: "${url}", ${secrets}}\n`)
    await writeFile(path, `name: limited\nnodes:\n${nodes.join('')}`)
    for (const index of [0, 1]) {
      const connection = await servers.connect(index)
      await connection.call(
        'ACL',
        'SETUSER',
        'limited',
        'reset',
        'on',
        '>pw',
        '~*',
        '+@all',
        '-restore',
        '-client|kill',
      )
    }
    const { exitCode, stderr } = await runCli(['ring', 'rebalance', 'n1=2', '-t', path, '--yes'], {
      env: { TEST_PASSWORD: 'pw' },
    })
    assert.equal(exitCode, 5, stderr)
    assert.match(stderr, /node n1: this user may not run \+restore \+client\|kill\nnode n2: this user/)
  })
})
