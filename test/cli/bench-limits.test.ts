/** What servers and the system allow: said before anything is sent, or kept to. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('bench at the limits', () => {
  let servers: TestServers
  let roomy: TestServers
  let file: string

  before(async () => {
    servers = await startServers(2, { args: ['--maxclients', '40'] })
    roomy = await startServers(1)
    file = await servers.topologyFile()
  })
  after(() => Promise.all([servers.stop(), roomy.stop()]))

  const keysOn = async (index: number) => (await servers.connect(index)).call('DBSIZE')

  it('more connections than a node takes: refused, and nothing is sent', async () => {
    const { exitCode, stderr } = await runCli(['bench', '-t', file, '--connections', '100', '-n', '10'])
    assert.equal(exitCode, 5, stderr)
    assert.match(stderr, /node n1 takes 40 clients; \d+ of the 100 --connections are its/)
    assert.match(stderr, /No load was sent/)
    assert.deepEqual([await keysOn(0), await keysOn(1)], [0, 0])
  })

  it('as many as the nodes take together is not too many', async () => {
    const flags = ['--connections', '44', '-n', '2000', '--keys', '100', '--gate', 'errors==0']
    const { exitCode, stdout, stderr } = await runCli(['bench', '-t', file, ...flags])
    assert.equal(exitCode, 0, stdout + stderr)
  })

  it('more connections than the process may open: exit 4, with the remedy', async () => {
    const command = `ulimit -n 200; exec "$0" "$@"`
    const topology = await roomy.topologyFile()
    const bench = [join(root, 'bin/run.js'), 'bench', '-t', topology, '--connections', '400', '-n', '10']
    const { status, stderr } = spawnSync('sh', ['-c', command, process.execPath, ...bench], {
      encoding: 'utf8',
    })
    assert.equal(status, 4, stderr)
    assert.match(stderr, /raise `ulimit -n`, or ask for fewer connections/)
    assert.doesNotMatch(stderr, /^\s+at .+:\d+:\d+/m, 'a stack trace')
  })

  it('values of many megabytes, written and read back whole', async () => {
    const size = ['--value-bytes', '48m', '--keys', '2', '--mix', 'get:1,set:1', '--verify', '--fill']
    const flags = [...size, '--connections', '2', '-n', '8', '--warmup', '0s', '--json']
    const { exitCode, stdout, stderr } = await runCli(['bench', '-t', file, ...flags])
    assert.equal(exitCode, 0, stdout + stderr)
    const { errors, misses, verified } = JSON.parse(stdout)
    assert.deepEqual([errors, misses, verified.wrong, verified.stale], [0, 0, 0, 0])
    assert.ok(verified.values > 0)
  })
})
