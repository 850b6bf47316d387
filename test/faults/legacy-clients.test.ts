import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { parseTopology } from '../../src/files/topology-file.js'
import { openConnection, type RespConnection } from '../../src/redis/resp-connection.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const keyCount = 3_000

describe('clients that do not follow the control store', () => {
  let servers: TestServers
  let file: string
  let legacy: RespConnection[]

  beforeEach(async () => {
    servers = await startServers(2)
    file = await servers.topologyFile({ count: 1 })
    legacy = [await openConnection({ node: servers.servers[0]!.node }, { clientName: 'old-app' })]
    await legacy[0]!.send(Array.from({ length: keyCount }, (_, index) => ['SET', `k${index}`, 'old']))
  })
  afterEach(async () => {
    for (const connection of legacy) connection.close()
    await servers.stop()
  })

  const add = () => ['ring', 'add', `n2=${servers.servers[1]!.url}`, '-t', file, '--yes']

  it('stop a change, by name, before anything is written', async () => {
    const { exitCode, stderr } = await runCli(add())
    assert.equal(exitCode, 5)
    assert.match(
      stderr,
      /1 connections do not follow the control store:\n {2}n1: 127\.0\.0\.1:\d+ \(old-app\)/,
    )
    assert.equal(await (await servers.connect(1)).call('DBSIZE'), 0)
  })

  it('fault-32: with --clients legacy are told what they get; what they write meanwhile is carried, or kept as a conflict', async () => {
    const run = startCli([
      ...add(),
      '--clients',
      'legacy',
      '--connections',
      '1',
      '--max-keys-per-sec',
      '2000',
    ])
    const newcomer = await servers.connect(1)
    while (Number(await newcomer.call('DBSIZE')) < 200) await systemClock.sleep(2)
    // at the old node, as if nothing happened: some of these have moved, some have not
    await legacy[0]!.send(Array.from({ length: keyCount }, (_, index) => ['SET', `k${index}`, 'newer']))
    const { exitCode, stdout, stderr } = await run.result
    assert.match(stdout, /Clients that do not follow the control store/)
    assert.equal(exitCode, 6, stdout + stderr)
    assert.match(stderr, /hold one value where they are and another where they belong; neither was touched/)
    const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
    const [home, joined] = [await servers.connect(0), newcomer]
    for (let index = 0; index < keyCount; index++) {
      const key = `k${index}`
      const [atOld, atNew] = [await home.call('GET', key), await joined.call('GET', key)]
      const isNewer = String(atOld) === 'newer' || String(atNew) === 'newer'
      assert.ok(isNewer, `${key}: an acknowledged write is gone`)
      if (ring.topology.nodes.length === 1) continue
      assert.ok(atOld === null || atNew === null || String(atOld) !== String(atNew))
    }
  })

  it('fault-32: what they wrote astray: equal copies are one, others are both kept and listed, exit 3', async () => {
    assert.equal((await runCli([...add(), '--clients', 'legacy'])).exitCode, 0)
    const joined = await servers.connect(1)
    const moved = await joined.call('KEYS', 'k*')
    const [equal, other] = Array.isArray(moved) ? moved.map(String) : []
    await legacy[0]!.send([
      ['SET', equal!, 'old'],
      ['SET', other!, 'astray'],
    ])
    const { exitCode, stdout, stderr } = await runCli(['ring', 'check', '-t', file, '--repair'])
    assert.equal(exitCode, 3, stderr)
    assert.match(stdout, new RegExp(`${other}\\b`))
    assert.doesNotMatch(stdout, new RegExp(`${equal}\\b`))
    const values = async (key: string) =>
      [await legacy[0]!.call('GET', key), await joined.call('GET', key)].map(
        (value) => value && String(value),
      )
    assert.deepEqual(await values(equal!), [null, 'old'])
    assert.deepEqual(await values(other!), ['astray', 'old'])
  })

  it('that write nothing lose nothing: their keys are where the new ring says', async () => {
    const { exitCode, stderr } = await runCli([...add(), '--clients', 'legacy'])
    assert.equal(exitCode, 0, stderr)
    assert.equal((await runCli(['ring', 'check', '-t', file])).exitCode, 0)
  })
})
