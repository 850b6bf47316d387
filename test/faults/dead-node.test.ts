import assert from 'node:assert/strict'
import { loadTopology } from '../../src/files/topology-file.js'
import { openRing, type RingClient } from '../../src/index.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('a node that is gone for good', () => {
  let servers: TestServers
  let file: string
  let ring: RingClient
  const names = Array.from({ length: 600 }, (_, index) => `k${index}`)

  before(async () => {
    servers = await startServers(3)
    file = await servers.topologyFile()
    assert.equal((await runCli(['ring', 'apply', '-t', file, '--yes'])).exitCode, 0)
    ring = await openRing(file, { commandTimeoutMs: 500 })
    await Promise.all(names.map((name) => ring.call('SET', name, name)))
  })
  after(async () => {
    await ring.close()
    await servers.stop()
  })

  const remove = () => runCli(['ring', 'remove', 'n2', '-t', file, '--yes', '--dead'])

  it('is not given up while it answers', async () => {
    const { exitCode, stderr } = await remove()
    assert.equal(exitCode, 5)
    assert.match(stderr, /node n2 answers\nRemove it without --dead/)
  })

  it('is removed without its keys, which is said; clients go on, the other nodes lose nothing', async () => {
    const before = buildRing((await loadTopology(file)).topology)
    process.kill(servers.servers[1]!.pid, 'SIGKILL')
    const { exitCode, stdout, stderr } = await remove()
    assert.equal(exitCode, 0, stdout + stderr)
    assert.match(stdout, /n2 is gone: what it held, 3\d\.\d % of the keyspace, is lost and starts empty/)
    for (const name of names) {
      const wasLost = before.ownerIndex(Buffer.from(name)) === 1
      const reply = await ring.call('GET', name)
      assert.equal(reply && String(reply), wasLost ? null : name)
      assert.equal(await ring.call('SET', name, 'again'), 'OK')
      assert.equal(String(await ring.call('GET', name)), 'again')
    }
    assert.equal((await runCli(['ring', 'check', '-t', file])).exitCode, 0)
  })
})
