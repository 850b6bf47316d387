import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openRing } from '../../src/index.js'
import { runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('a control store that has forgotten', () => {
  let servers: TestServers
  let file: string
  const names = Array.from({ length: 300 }, (_, index) => `k${index}`)

  before(async () => {
    servers = await startServers(3)
    file = await servers.topologyFile({ count: 2 })
    assert.equal((await runCli(['ring', 'apply', '-t', file, '--yes'])).exitCode, 0)
    const ring = await openRing(file)
    await Promise.all(names.map((name) => ring.call('SET', name, name)))
    await ring.close()
    assert.equal((await runCli(add())).exitCode, 0)
    await rm(join(dirname(file), '.cachectl'), { recursive: true })
  })
  after(() => servers.stop())

  const add = () => ['ring', 'add', `n3=${servers.servers[2]!.url}`, '-t', file, '--yes']
  const rebalance = () => runCli(['ring', 'rebalance', 'n1=2', '-t', file, '--yes'])

  it('is found out by what the nodes have seen, and nothing is changed', async () => {
    const { exitCode, stderr } = await rebalance()
    assert.equal(exitCode, 5)
    assert.match(stderr, /holds no ring, but the nodes have seen epoch 3: it was rolled back or emptied/)
    assert.match(stderr, /ring apply --mend-store/)
  })

  it('is mended from the topology file, above every epoch that was served; changes and clients go on', async () => {
    const { exitCode, stdout, stderr } = await runCli(['ring', 'apply', '--mend-store', '-t', file, '--yes'])
    assert.equal(exitCode, 0, stderr)
    assert.match(stdout, /holds this ring again \(epoch 6\)/)
    assert.equal((await rebalance()).exitCode, 0)
    const ring = await openRing(file)
    for (const name of names) assert.equal(String(await ring.call('GET', name)), name)
    await ring.close()
    assert.equal((await runCli(['ring', 'check', '-t', file])).exitCode, 0)
  })

  it('is not mended with a ring that the keys do not know', async () => {
    const two = await servers.topologyFile({ count: 2, name: 'two.yaml' })
    const { exitCode, stderr } = await runCli(['ring', 'apply', '--mend-store', '-t', two, '--yes'])
    assert.equal(exitCode, 5)
    assert.match(stderr, /keys lie on nodes that do not own them/)
  })
})
