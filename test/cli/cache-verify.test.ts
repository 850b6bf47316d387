/** `cache verify` on real servers: a planted stale value is found, a clean cache passes its gate. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cache } from '../../src/cache/cache.js'
import { systemClock } from '../../src/clock.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { createCache, openPresentRing } from '../../src/open-cache.js'
import type { CacheRing } from '../../src/redis/cache-ring.js'
import { type PostgresSource, postgresSource } from '../../src/sources/postgres.js'
import { runCli, startCli } from '../support/cli.js'
import { findPostgres, type Postgres, startPostgres } from '../support/postgres.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('cache verify', function () {
  this.timeout(30_000)
  let server: Postgres
  let nodes: TestServers
  let topology: string
  let cache: Cache<unknown>
  let ring: CacheRing
  let source: PostgresSource<unknown>
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`)

  before(async function () {
    const binaries = await findPostgres()
    if (!binaries) {
      console.log('      skipped: no PostgreSQL here (scripts/install-test-peers.sh, as root, installs one)')
      this.skip()
    }
    ;[server, nodes] = await Promise.all([startPostgres(binaries), startServers(2)])
    topology = await nodes.topologyFile()
    source = postgresSource<unknown>({ connectionString: server.url, table: 'items' })
    await source.setUp({ table: true })
    await source.write(new Map(keys.map((key) => [key, { name: key }])))
    ring = await openPresentRing(await loadTopology(topology, topology))
    cache = createCache<unknown>({
      ring,
      timeout: { l2: '5s' },
      namespace: 'shop',
      ttl: '1m',
      negative: '1m',
      load: source.load,
    })
    await cache.getMany(keys)
    await (await nodes.connect(0)).call('SET', 'another:k1', 'not ours')
  })
  after(async () => {
    await cache?.close()
    await Promise.all([ring?.close(), source?.close()])
    await Promise.all([server?.stop(), nodes?.stop()])
  })

  /** The usual flags, unless `more` says otherwise. */
  const args = (...more: string[]) => {
    const usual = { namespace: 'shop', table: 'items', source: server.url, within: '50ms' }
    const flags = Object.entries(usual).filter(([name]) => !more.includes(`--${name}`))
    return [
      'cache',
      'verify',
      '-t',
      topology,
      ...flags.flatMap(([name, value]) => [`--${name}`, value]),
      ...more,
    ]
  }

  it('a clean cache passes, and says how much is proved', async () => {
    const { exitCode, stdout, stderr } = await runCli(args('--fail-below', '0.9999'))
    assert.equal(exitCode, 0, stderr)
    assert.match(
      stdout,
      /^Consistent within 50ms: 100\.0000 % of 40 keys compared; at least 92\.5\d+ %, 1\.1 nines/,
    )
    assert.match(stdout, /ok +consistent >= 0\.9999/)
  })

  it('finds what went past the cache, with its cause, and exits with 3', async () => {
    await cache.get('ghost\n\u001b[31m')
    await server.query(
      `UPDATE items SET value = '{"name": "new"}' WHERE key = 'k7'; DELETE FROM items WHERE key = 'k8';
       INSERT INTO items VALUES (E'ghost\\n\\u001b[31m', '1')`,
    )
    const found = await runCli(args('--fail-below', '99.99%', '--json'))
    assert.equal(found.exitCode, 3, found.stderr)
    const report = JSON.parse(found.stdout)
    assert.deepEqual(
      [report.schema, report.keyCount, report.consistent, report.inconsistent, report.gate.passed],
      ['cachectl/cache-verify/v1', 41, 38, 3, false],
    )
    assert.deepEqual(report.causes, { outdated: 1, negative: 1, deleted: 1 })
    assert.deepEqual(report.where, { l1: 0, l2: 3, both: 0 })
    const list = join(nodes.directory, 'keys.txt')
    await writeFile(list, 'k1\nk7\nk8\nunheard-of\n')
    const listed = await runCli(args('--keys', list))
    assert.equal(listed.exitCode, 0, listed.stderr)
    assert.match(listed.stdout, /33\.3333 % of 3 keys compared/)
    assert.match(listed.stdout, /not cached +1\n/)
    assert.match(listed.stdout, /\nk7 +other than the source\n/)
    assert.match(listed.stdout, /\nk8 +which the source has no more/)
    const sampled = JSON.parse((await runCli(args('--sample', '5', '--json'))).stdout)
    assert.equal(sampled.keyCount, 5)
  })

  it('says what is wrong, and what to do', async () => {
    for (const [more, code, message] of [
      [
        ['--source', 'postgres://test:secret@127.0.0.1/x'],
        2,
        /seen by others[\s\S]*PGPASSWORD or ~\/\.pgpass/,
      ],
      [['--source', 'redis://127.0.0.1'], 2, /expected a postgres:\/\/ URL/],
      [['--source', 'postgres://test@127.0.0.1:1/x'], 4, /PostgreSQL: connection refused/],
      [['--table', 'none'], 2, /table none: .*does not exist/],
      [['--keys', 'no-such-file'], 2, /--keys no-such-file: no such file/],
      [['--fail-below', '2'], 2, /--fail-below 2: expected a share/],
    ] as const) {
      const { exitCode, stderr } = await runCli(args(...more))
      assert.equal(exitCode, code, `${more}: ${stderr}`)
      assert.match(stderr, message)
      assert.doesNotMatch(stderr, /secret/)
    }
    const empty = await runCli(args('--namespace', 'empty', '--fail-below', '0.9'))
    assert.equal(empty.exitCode, 3)
    assert.match(empty.stdout, /^Nothing could be compared[\s\S]*FAIL/)
  })

  it('Ctrl-C: shows what was compared until then, and exits with 130', async () => {
    const asked = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'cachectl'`
    const before = (await server.query(asked)).length
    const { child, result } = startCli(args('--rate', '1', '--json'))
    while ((await server.query(asked)).length === before) await systemClock.sleep(20)
    child.kill('SIGINT')
    const { exitCode, stdout, stderr } = await result
    assert.equal(exitCode, 130, stderr)
    assert.equal(JSON.parse(stdout).interrupted, true)
  })
})
