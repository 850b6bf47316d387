/** Verified values, nodes that die, and a source of truth behind the cache. */
import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('bench --verify', () => {
  let servers: TestServers
  let file: string

  before(async () => {
    servers = await startServers(2)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  const one = [
    '--keys',
    '1',
    '--warmup',
    '0s',
    '--connections',
    '2',
    '--verify',
    '--fill',
    '--duration',
    '1s',
  ]

  /** Runs on the node that owns the only key, with somebody who meddles with its value. */
  async function meddled(meddle: (value: Buffer) => Buffer): Promise<{ wrong: number; stale: number }> {
    const { result } = startCli(['bench', '-t', file, ...one, '--mix', 'get:9,set:1', '--json'])
    const connections = [await servers.connect(0), await servers.connect(1)]
    let isOver = false
    const done = result.then((ended) => {
      isOver = true
      return ended
    })
    while (!isOver) {
      for (const connection of connections) {
        const value = await connection.call('GET', 'cachectl-bench:0')
        if (!Buffer.isBuffer(value)) continue
        await systemClock.sleep(20)
        await connection.call('SET', 'cachectl-bench:0', meddle(value), 'XX')
      }
      await systemClock.sleep(1)
    }
    const { exitCode, stderr, stdout } = await done
    assert.equal(exitCode, 0, stderr)
    return JSON.parse(stdout).verified
  }

  it('finds nothing where nothing is wrong, by several threads and writers too', async () => {
    const busy = [
      '--keys',
      '20',
      '--threads',
      '2',
      '--connections',
      '8',
      '--pipeline',
      '4',
      '--duration',
      '1s',
    ]
    const mix = ['--mix', 'get:5,set:4,del:1', '--verify', '--warmup', '0s']
    const { stdout } = await runCli(['bench', '-t', file, ...busy, ...mix, '--json'])
    const { verified } = JSON.parse(stdout)
    assert.ok(verified.values > 1_000)
    assert.deepEqual([verified.wrong, verified.stale], [0, 0])
  })

  it('counts values that were not what was written', async () => {
    const { wrong } = await meddled((value) => {
      const other = Buffer.from(value)
      other[other.length - 1]! ^= 1
      return other
    })
    assert.ok(wrong > 0)
  })

  it('counts values that a later acknowledged write had replaced', async () => {
    const { stale, wrong } = await meddled((value) => value)
    assert.ok(stale > 0)
    assert.equal(wrong, 0)
  })

  it('a node that dies in mid-run: its requests are errors, the others go on, and it is told', async () => {
    const dying = ['--keys', '500', '--warmup', '0s', '--duration', '2s', '--gate', 'errors==0']
    const { result } = startCli(['bench', '-t', file, ...dying, '--json'])
    const connection = await servers.connect(1)
    while (Number(await connection.call('DBSIZE')) < 100) await systemClock.sleep(5)
    await servers.kill(1)
    const { exitCode, stdout } = await result
    assert.equal(exitCode, 3)
    const report = JSON.parse(stdout)
    assert.ok(report.nodes.n2.errors > 0)
    assert.equal(report.nodes.n1.errors, 0)
    assert.match(Object.keys(report.errorKinds).join(), /connection lost|node down/)
    assert.match(report.warnings.join(), /n2|removed/)
    await servers.restart(1)
  })

  it('a simulated database: as many loads as misses, no more at a time than it can do', async () => {
    const source = ['--source', 'simulated:5ms', '--source-capacity', '2', '--keys', '200', '--warmup', '0s']
    const { stdout } = await runCli(['bench', '-t', file, ...source, '-c', '20', '-n', '2000', '--json'])
    const { hits, misses, operations, source: loads } = JSON.parse(stdout)
    assert.equal(loads.loads, misses)
    assert.equal(hits + misses, operations.get.count)
    assert.ok(loads.duplicateLoads > 0, 'a stampede shows')
    assert.ok(loads.queueing.maxMs > 5 && loads.loading.p50Ms >= 5)
  })
})
