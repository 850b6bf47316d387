/** A load through the cache library, before a real database. */
import assert from 'node:assert/strict'
import { runCli } from '../support/cli.js'
import { findPostgres, type Postgres, startPostgres } from '../support/postgres.js'
import { freePort, startServers, type TestServers } from '../support/redis-servers.js'

describe('bench --strategy on PostgreSQL', () => {
  let servers: TestServers
  let postgres: Postgres | undefined
  let file: string

  before(async function () {
    const binaries = await findPostgres()
    if (!binaries) {
      console.log('      skipped: no PostgreSQL here (scripts/install-test-peers.sh, as root, installs one)')
      return this.skip()
    }
    servers = await startServers(1)
    file = await servers.topologyFile()
    postgres = await startPostgres(binaries)
  })
  after(async () => {
    await postgres?.stop()
    await servers?.stop()
  })

  const small = ['--keys', '200', '--requests', '1000', '--warmup', '0s', '--connections', '8', '--json']
  const bench = (source: string, ...args: string[]) =>
    runCli(['bench', '-t', file, '--source', source, ...small, ...args])
  const tables = () =>
    postgres!.query("SELECT tablename FROM pg_tables WHERE tablename LIKE 'cachectl_bench_%'")

  it('loads and writes there, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await bench(
      postgres!.url,
      ...['--strategy', 'write-through', '--l1', '50', '--verify'],
    )
    assert.equal(exitCode, 0, stdout + stderr)
    const { cache, source, errors, verified, configuration } = JSON.parse(stdout)
    assert.equal(errors, 0)
    assert.equal(verified.wrong, 0)
    assert.ok(cache.writes > 0)
    assert.equal(cache.loads, source.loads)
    assert.ok(source.loads > 0 && source.loading.p50Ms > 0)
    assert.match(configuration.source, /^postgres:\/\/127\.0\.0\.1:\d+\/\w+, 20 at a time$/)
    assert.deepEqual(await tables(), [])
  })

  it('says what is wrong with the source', async () => {
    const away = `postgres://test@127.0.0.1:${await freePort()}/test`
    const refused = await bench(away, '--strategy', 'aside')
    assert.equal(refused.exitCode, 4)
    assert.match(refused.stdout, /--source: PostgreSQL: connection refused/)
    const bare = await bench(away)
    assert.equal(bare.exitCode, 2)
    assert.match(bare.stdout, /needs --strategy/)
    const secret = await bench('postgres://test:hunter2@127.0.0.1/test', '--strategy', 'aside')
    assert.equal(secret.exitCode, 2)
    assert.match(secret.stdout, /PGPASSWORD/)
    assert.doesNotMatch(secret.stdout + secret.stderr, /hunter2/)
  })
})
