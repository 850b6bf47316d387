/** The commands that only look: locate, show, plan, check. */
import assert from 'node:assert/strict'
import { buildRing } from '../../src/ring/build-ring.js'
import { runCli } from '../support/cli.js'
import { awkwardKey } from '../support/data-set.js'
import { startServers, type TestServers, testTopology } from '../support/redis-servers.js'

describe('ring locate, show, plan and check', () => {
  let servers: TestServers
  let three: string
  let two: string

  before(async () => {
    servers = await startServers(3)
    three = await servers.topologyFile()
    two = await servers.topologyFile({ count: 2, name: 'two.yaml' })
  })
  after(() => servers.stop())

  const awkward = Array.from({ length: 50 }, (_, index) => awkwardKey(index))
  const ownersOf = (keys: readonly Buffer[]) => {
    const ring = buildRing(testTopology(servers.servers.map(({ node }) => node)))
    return keys.map((key) => ring.topology.nodes[ring.ownerIndex(key)]!.id)
  }

  it('locates keys given as arguments, a line each', async () => {
    const { stdout } = await runCli(['ring', 'locate', 'a', 'b', '-t', three])
    const [first, second] = ownersOf([Buffer.from('a'), Buffer.from('b')])
    assert.equal(stdout, `${first}\ta\n${second}\tb\n`)
  })

  it('locates binary keys from standard input, NUL-separated or in base64', async () => {
    const keys = awkward.filter((key) => !key.includes(0))
    const nul = await runCli(['ring', 'locate', '-0', '--json', '-t', three], {
      stdin: Buffer.concat(keys.flatMap((key) => [key, Buffer.from([0])])),
    })
    const base64 = await runCli(['ring', 'locate', '--base64', '--json', '-t', three], {
      stdin: awkward.map((key) => `${key.toString('base64')}\n`).join(''),
    })
    for (const [result, expected] of [
      [nul, keys],
      [base64, awkward],
    ] as const) {
      const located = JSON.parse(result.stdout).keys as { keyBase64: string; owner: string }[]
      assert.deepEqual(
        located.map(({ keyBase64 }) => Buffer.from(keyBase64, 'base64')),
        expected,
      )
      assert.deepEqual(
        located.map(({ owner }) => owner),
        ownersOf(expected),
      )
    }
  })

  it('names distinct replicas, owner first', async () => {
    const { stdout } = await runCli(['ring', 'locate', 'a', '--replicas', '3', '--json', '-t', three])
    const [{ owner, replicas }] = JSON.parse(stdout).keys
    assert.equal(replicas[0], owner)
    assert.deepEqual([...replicas].sort(), ['n1', 'n2', 'n3'])
  })

  it('never lets a key reach the terminal unescaped', async () => {
    const { stdout } = await runCli(['ring', 'locate', '\x1b[31mred\u202e', '-t', three])
    assert.match(stdout, /^n\d\t\\u\{1b\}\[31mred\\u\{202e\}\n$/)
  })

  it('takes the topology from CACHECTL_TOPOLOGY and says which file it used', async () => {
    const { stdout, stderr } = await runCli(['ring', 'locate', 'a'], { env: { CACHECTL_TOPOLOGY: three } })
    assert.match(stdout, /^n\d\ta\n$/)
    assert.match(stderr, new RegExp(`^topology test: ${three} \\(from CACHECTL_TOPOLOGY\\)\n$`))
  })

  it('shows shares, keys and memory; nodes that do not answer are shown as such', async () => {
    await (await servers.connect(0)).call('SET', 'x', 'y')
    const { stdout, exitCode } = await runCli(['ring', 'show', '--json', '-t', three])
    assert.equal(exitCode, 0)
    const { nodes, maxOverMean } = JSON.parse(stdout)
    assert.equal(nodes[0].facts.keyCount, 1)
    assert.ok(nodes[0].facts.usedMemoryBytes > 100_000)
    assert.ok(
      Math.abs(nodes.reduce((sum: number, { share }: { share: number }) => sum + share, 0) - 1) < 1e-9,
    )
    assert.ok(maxOverMean >= 1 && maxOverMean < 1.1)
    await (await servers.connect(0)).call('DEL', 'x')
    const offline = await runCli(['ring', 'show', '--offline', '--json', '-t', 'topologies/two-zones.yaml'])
    assert.equal(JSON.parse(offline.stdout).nodes[0].facts, undefined)
  })

  it('plans without touching anything: what a third node would take, from both', async () => {
    const { stdout } = await runCli(['ring', 'plan', three, '-t', two, '--json'])
    const { moves, movedShare, sidewaysShare } = JSON.parse(stdout)
    assert.deepEqual(
      moves.map(({ source, target }: Record<string, string>) => `${source}→${target}`).sort(),
      ['n1→n3', 'n2→n3'],
    )
    assert.ok(movedShare > 0.3 && movedShare < 1.1 / 3)
    assert.equal(sidewaysShare, 0)
  })

  it('says that ketama moves keys sideways', async () => {
    const ring = 'ring:\n  algorithm: ketama-twemproxy\n'
    const before = await servers.topologyFile({ count: 2, ring, name: 'k2.yaml' })
    const after = await servers.topologyFile({ ring, name: 'k3.yaml' })
    const { stdout } = await runCli(['ring', 'plan', after, '-t', before])
    assert.match(stdout, /moves sideways/)
  })

  it('checks: finds a stray key, lists it escaped, exits 3', async () => {
    const key = Buffer.from('stray\x1b[31m')
    const [owner] = ownersOf([key])
    const wrong = servers.servers.findIndex(({ id }) => id !== owner)
    const connection = await servers.connect(wrong)
    await connection.call('SET', key, 'v')
    const result = await runCli(['ring', 'check', '-t', three])
    assert.equal(result.exitCode, 3)
    assert.match(result.stdout, /1 of 1 keys lie on a node that does not own them/)
    assert.match(result.stdout, /stray\\u\{1b\}\[31m +n\d +n\d/)
    await connection.call('DEL', key)
    assert.equal((await runCli(['ring', 'check', '-t', three])).exitCode, 0)
  })
})
