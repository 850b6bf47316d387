import assert from 'node:assert/strict'
import { loadTopology } from '../../src/files/topology-file.js'
import { createRandom } from '../../src/random.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { assertFailed, ChangingRing, openClient } from '../support/changing-ring.js'
import { runCli } from '../support/cli.js'

describe('memory and size in a change', () => {
  let ring: ChangingRing
  let target: RespConnection
  before(async () => {
    ring = await ChangingRing.start({ keys: 3_000 })
  })
  after(() => ring.stop())
  beforeEach(async () => {
    target = await ring.servers.connect(ring.spare)
  })
  afterEach(async () => {
    await configure({ maxmemory: '0', 'maxmemory-policy': 'noeviction', 'proto-max-bulk-len': '512mb' })
    await ring.home()
  })

  async function configure(settings: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(settings)) await target.call('CONFIG', 'SET', name, value)
  }

  async function usedMemory(): Promise<number> {
    return Number(/used_memory:(\d+)/.exec(String(await target.call('INFO', 'memory')))?.[1])
  }

  it('fault-16: a target without room: refused before anything moves', async () => {
    await configure({ maxmemory: String((await usedMemory()) + 50_000) })
    await ring.fails(
      ring.add(),
      5,
      /node n3 has 0\.0 MiB free below its maxmemory, about \d.* would come[\s\S]*Nothing was changed/,
    )
    assert.equal(await target.call('DBSIZE'), 0)
  })

  it('fault-16: maxmemory reached in the middle: OOM is named, exit 6, the source keeps its keys, resume finishes', async () => {
    const { result } = await ring.startUntil(
      ring.add('--connections', '1', '--max-keys-per-sec', '1000'),
      100,
    )
    await configure({ maxmemory: '1' })
    assertFailed(
      await result,
      6,
      /node n3 .*RESTORE: OOM command not allowed[\s\S]*Raise its maxmemory[\s\S]*ring resume/,
    )
    assert.equal((await ring.status()).phase, 'migrate')
    await configure({ maxmemory: '0' })
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })

  it('fault-17: a target that evicts and is nearly full: refused without --allow-eviction', async () => {
    // what would come is estimated from a sample of the sources' keys: many of one size make it a sure thing
    const sources = await Promise.all([ring.servers.connect(0), ring.servers.connect(1)])
    const pad = `for i = 1, 100000 do redis.call('SET', 'pad:' .. i, ARGV[1]) end`
    for (const source of sources) await source.call('EVAL', pad, 0, 'x'.repeat(100))
    const bytes = Number(await sources[0]!.call('MEMORY', 'USAGE', 'pad:50000'))
    const expected = 0.32 * 200_000 * bytes
    await configure({
      maxmemory: String(Math.round((await usedMemory()) + 1.5 * expected)),
      'maxmemory-policy': 'allkeys-lru',
    })
    await ring.fails(ring.add(), 5, /node n3 evicts \(allkeys-lru\) .*--allow-eviction/)
    assert.equal(await target.call('DBSIZE'), 0)
    const unpad = `for i = 1, 100000 do redis.call('DEL', 'pad:' .. i) end`
    for (const source of sources) await source.call('EVAL', unpad, 0)
  })

  it('fault-34: a value that the target does not take: key and reason are named, the source keeps it', async () => {
    const { topology } = await loadTopology(ring.file)
    const before = buildRing(topology)
    const after = buildRing({ ...topology, nodes: [...topology.nodes, ring.servers.servers[2]!.node] })
    const key = Array.from({ length: 100 }, (_, index) => `large:${index}`).find(
      (name) => after.ownerIndex(Buffer.from(name)) === 2,
    )!
    const source = await ring.servers.connect(before.ownerIndex(Buffer.from(key)))
    // not compressible: its dump is as long
    const random = createRandom(1)
    const value = Buffer.from(Array.from({ length: 1_500_000 }, () => random.below(256)))
    await source.call('SET', key, value)
    await ring.adopt()
    await configure({ 'proto-max-bulk-len': '1mb' })
    await ring.fails(
      ring.add('--big-key', String(2 ** 24)),
      6,
      new RegExp(`node n3 .*RESTORE of ${key}.*proto-max-bulk-len[\\s\\S]*source keeps the key`),
    )
    assert.equal(await source.call('STRLEN', key), value.length)
    // by chunks it would go, were the value itself not longer than the target takes
    await ring.fails(
      ring.resume(),
      6,
      new RegExp(
        `key ${key}, by chunks: node n3 .*APPEND: .*exceeds maximum allowed size[\\s\\S]*ring resume`,
      ),
    )
    assert.equal(await source.call('STRLEN', key), value.length)
    await configure({ 'proto-max-bulk-len': '512mb' })
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
    await (await ring.servers.connect(2)).call('DEL', key)
    await ring.adopt()
  })

  // last: keys are lost here
  it('fault-17: keys that were evicted meanwhile are counted: exit 3, and 0 with --allow-eviction', async () => {
    const client = await openClient(ring.file)
    await Promise.all(
      Array.from({ length: 3_000 }, (_, index) =>
        client.call('SET', `temporary:${index}`, 'x'.repeat(1_000), 'EX', 1_000),
      ),
    )
    await client.close()
    for (const [flags, exitCode] of [
      [[], 3],
      [['--allow-eviction'], 0],
    ] as const) {
      // not allkeys-*: our own keys on the node would be among the evicted, and the change would stop
      await configure({ maxmemory: '0', 'maxmemory-policy': 'volatile-ttl' })
      const { result } = await ring.startUntil(
        ring.add('--connections', '1', '--max-keys-per-sec', '2000', '--json', ...flags),
        200,
      )
      await configure({ maxmemory: String((await usedMemory()) + 200_000) })
      const { stdout, stderr, ...ended } = await result
      assert.equal(ended.exitCode, exitCode, stdout + stderr)
      assert.ok(JSON.parse(stdout).evictedKeys.n3 > 0)
      assert.equal((await runCli(['ring', 'check', '-t', ring.file])).exitCode, 0)
      await configure({ maxmemory: '0' })
      await ring.home()
    }
  })
})
