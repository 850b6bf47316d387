/** The load that goes through the cache library, in processes of their own. */
import assert from 'node:assert/strict'
import { runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('bench --strategy', () => {
  let servers: TestServers
  let file: string

  before(async () => {
    servers = await startServers(2)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  const small = ['--keys', '200', '--requests', '2000', '--warmup', '0s', '--connections', '8', '--json']
  const bench = (...args: string[]) =>
    runCli(['bench', '-t', file, '--source', 'simulated:1ms,20', ...small, ...args])

  for (const strategy of ['aside', 'write-through', 'write-behind']) {
    it(`${strategy}: every read is put down to one tier, and every load to the source`, async () => {
      const { exitCode, stdout, stderr } = await bench('--strategy', strategy, '--l1', '50', '--verify')
      assert.equal(exitCode, 0, stderr)
      const { cache, source, operations, verified, errors, hits, misses } = JSON.parse(stdout)
      assert.equal(errors, 0)
      assert.equal(cache.strategy, strategy)
      const counted = ['l1', 'l2', 'stale', 'shared', 'miss'].map((tier) => cache.tiers[tier].count)
      assert.equal(
        counted.reduce((sum, count) => sum + count, 0),
        operations.get.count,
      )
      assert.equal(cache.reads, operations.get.count)
      assert.equal(hits + misses, cache.reads)
      assert.equal(cache.writes > 0, strategy !== 'aside')
      assert.equal(cache.behind !== null && cache.behind.lag.count > 0, strategy === 'write-behind')
      assert.ok(cache.tiers.l1.count > 0 && cache.tiers.miss.count > 0)
      assert.equal(cache.loads, source.loads)
      assert.deepEqual({ values: verified.values, wrong: verified.wrong }, { values: cache.reads, wrong: 0 })
      assert.equal(cache.staleReads.late, 0)
      for (const index of [0, 1]) {
        const keys = await (await servers.connect(index)).call('KEYS', 'cachectl-bench:*')
        assert.deepEqual(keys, [], 'the keys of the load are removed')
      }
    })
  }

  it('keeps nothing in memory where no key is published as hot, and reads nothing old', async () => {
    const { exitCode, stdout, stderr } = await bench('--strategy', 'aside', '--l1', 'hot', '--verify')
    assert.equal(exitCode, 0, stderr)
    const { cache, errors } = JSON.parse(stdout)
    assert.deepEqual([errors, cache.tiers.l1.count], [0, 0])
    assert.ok(cache.tiers.l2.count > 0)
  })

  it('four processes that want one cold key load it once', async () => {
    const { exitCode, stdout, stderr } = await runCli([
      ...['bench', '-t', file, '--strategy', 'read-through', '--source', 'simulated:40ms', '--json'],
      ...['--processes', '4', '--keys', '1', '--read-ratio', '1', '--warmup', '0s'],
      ...['--connections', '400', '--requests', '400', '--gate', 'loads==1', '--gate', 'stale==0'],
    ])
    assert.equal(exitCode, 0, stdout + stderr)
    assert.equal(JSON.parse(stdout).source.loads, 1)
  })

  it('judges what only a cache has, and keeps a schedule', async () => {
    const gates = [
      'no_wait_ratio>=99.99%',
      'loads_per_miss<=1',
      'l1_hit_ratio>=0',
      'late_stale==0',
      'l2_p99<1s',
    ]
    const { exitCode, stdout } = await bench(
      ...['--strategy', 'read-through', '--rate', '4000', '--read-ratio', '1', '--allow-lag'],
      ...gates.flatMap((gate) => ['--gate', gate]),
    )
    assert.equal(exitCode, 3)
    const result = JSON.parse(stdout)
    assert.deepEqual(
      result.gates.map(({ passed }: { passed: boolean }) => passed),
      [false, true, true, true, true],
    )
    assert.equal(result.offered, 2_000)
  })

  it('names the flags that do not go together', async () => {
    const wrong: [string[], RegExp][] = [
      [['--l1', '5'], /--l1 needs --strategy/],
      [['--strategy', 'aside', '--l1', 'warm'], /--l1 warm: it is a number of entries .*, or hot/],
      [['--strategy', 'aside', '--l1', 'hot', '--l1-policy', 'lru'], /--l1 hot and --l1-policy/],
      [['--strategy', 'aside', '--threads', '2'], /--strategy aside and --threads/],
      [['--strategy', 'aside', '--mix', 'incr:1'], /the operation incr/],
    ]
    for (const [args, message] of wrong) {
      const { exitCode, stdout } = await bench(...args)
      assert.equal(exitCode, 2)
      assert.match(JSON.parse(stdout).error.message, message)
    }
    const { exitCode, stderr } = await runCli(['bench', '-t', file, '--strategy', 'aside'])
    assert.equal(exitCode, 2)
    assert.match(stderr, /needs --source/)
  })
})
