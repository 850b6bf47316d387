import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { systemClock } from '../../src/clock.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('bench on real servers', () => {
  let servers: TestServers
  let file: string
  let directory: string

  before(async () => {
    servers = await startServers(3)
    file = await servers.topologyFile()
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(async () => {
    await servers.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const small = ['--keys', '500', '--warmup', '0s', '--connections', '6']

  async function bench(...args: string[]) {
    const result = await runCli(['bench', '-t', file, ...args, '--json'])
    assert.ok(result.exitCode === 0 || result.exitCode === 3, result.stdout + result.stderr)
    return { ...result, report: JSON.parse(result.stdout) }
  }

  async function keyCounts(): Promise<unknown[]> {
    return Promise.all(servers.servers.map(async (_, index) => (await servers.connect(index)).call('DBSIZE')))
  }

  it('counts every read as a hit or a miss, and every miss is filled', async () => {
    const { report } = await bench(...small, '--requests', '20000', '--read-ratio', '0.9')
    assert.equal(report.hits + report.misses, report.operations.get.count)
    assert.equal(report.operations.fill.count, report.misses)
    assert.equal(report.errors, 0)
    const counts = Object.values<{ count: number }>(report.nodes).map(({ count }) => count)
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      report.latency.count,
    )
  })

  it('removes what it wrote, and touches nothing else', async () => {
    const connection = await servers.connect(0)
    await connection.call('SET', 'cachectl-bench', 'mine')
    await bench(...small, '--requests', '5000', '--fill')
    assert.deepEqual(await keyCounts(), [1, 0, 0])
    assert.equal(String(await connection.call('GET', 'cachectl-bench')), 'mine')
    await connection.call('DEL', 'cachectl-bench')
  })

  it('keeps its keys with --keep, on their owners', async () => {
    await bench(...small, '--requests', '100', '--fill', '--keep', '--ttl', '100')
    assert.equal(
      (await keyCounts()).reduce<number>((sum, count) => sum + Number(count), 0),
      500,
    )
    assert.equal((await runCli(['ring', 'check', '-t', file])).exitCode, 0)
    await bench(...small, '--requests', '100')
    assert.deepEqual(await keyCounts(), [0, 0, 0])
  })

  it('hits everything that was filled, by several threads and pipelines too', async () => {
    const shape = ['--threads', '2', '--pipeline', '8', '--distribution', 'zipf:0.99']
    const { report } = await bench(...small, ...shape, '--requests', '20000', '--fill', '--read-ratio', '1')
    assert.equal(report.hitRatio, 1)
    assert.equal(report.operations.get.count, 20_000)
  })

  it('gates: passes with 0, fails with 3 and names the line', async () => {
    const run = [...small, '--requests', '2000', '--fill', '--read-ratio', '1']
    const good = await bench(...run, '--gate', 'hit_ratio==1', '--gate', 'errors==0', '--gate', 'get.p99<10s')
    assert.equal(good.exitCode, 0)
    assert.deepEqual(
      good.report.gates.map(({ passed }: { passed: boolean }) => passed),
      [true, true, true],
    )
    const bad = await runCli(['bench', '-t', file, ...run, '--gate', 'errors==0', '--gate', 'p50<1us'])
    assert.equal(bad.exitCode, 3)
    assert.match(bad.stdout, /p50<1us/)
  })

  it('writes the whole result with histograms that HdrHistogram reads', async () => {
    const out = join(directory, 'result.json')
    const { report } = await bench(...small, '--requests', '3000', '--out', out, '--seed', '7')
    const saved = JSON.parse(await readFile(out, 'utf8'))
    assert.equal(saved.schema, 'cachectl/bench/v1')
    assert.equal(saved.seed, 7)
    const histogram = decodeFromCompressedBase64(saved.histograms.get)
    assert.equal(histogram.totalCount, report.operations.get.count)
  })

  it('replays a trace against an exact LRU', async () => {
    const trace = join(directory, 'trace.csv')
    // a b a c b a with two entries: the second a hits; b was evicted by c, a by b
    const rows = ['a', 'b', 'a', 'c', 'b', 'a'].map((key, time) => `${time},${key},1,0,0,get,0\n`)
    await writeFile(trace, rows.join(''))
    const result = await runCli(['bench', '--trace', trace, '--target', 'lru:2', '--json'])
    const { hits, misses } = JSON.parse(result.stdout)
    assert.deepEqual({ hits, misses }, { hits: 1, misses: 5 })
    const popularity = ['--distribution', `trace:${trace}`, '-n', '900', '--target', 'lru:3']
    const drawn = JSON.parse((await runCli(['bench', ...popularity, '--read-ratio', '1', '--json'])).stdout)
    assert.equal(drawn.configuration.distribution, 'trace:trace.csv')
    assert.deepEqual([drawn.misses, drawn.hits], [3, 897])
  })

  it('replays the same trace on real nodes: as many hits as keys come again', async () => {
    const trace = join(directory, 'again.csv')
    const rows = Array.from({ length: 900 }, (_, time) => `${time},key,${time % 300},3,10,0,get,0\n`)
    await writeFile(trace, rows.join(''))
    const { report } = await bench('--trace', trace, '--connections', '1', '--warmup', '0s')
    assert.deepEqual([report.hits, report.misses], [600, 300])
  })

  it('survives the death of a node: errors are counted, the rest is measured', async () => {
    const doomed = await startServers(2)
    try {
      const topology = await doomed.topologyFile()
      const args = ['bench', '-t', topology, ...small, '--duration', '2s', '--gate', 'errors==0', '--json']
      const { child, result } = startCli(args)
      const connection = await doomed.connect(1)
      while ((await connection.call('DBSIZE')) === 0) await systemClock.sleep(10)
      process.kill(doomed.servers[1]!.pid, 'SIGKILL')
      const { exitCode, stdout, stderr } = await result
      assert.equal(exitCode, 3, stdout + stderr)
      assert.equal(child.signalCode, null)
      const report = JSON.parse(stdout)
      assert.ok(report.nodes.n2.errors > 0)
      assert.equal(report.nodes.n1.errors, 0)
      assert.match(report.warnings.join('\n'), /the load's keys were not removed: node n2/)
    } finally {
      await doomed.stop()
    }
  })

  it('Ctrl-C: prints what was measured, cleans up, exits 130', async () => {
    const { child, result } = startCli(['bench', '-t', file, ...small, '--duration', '10m', '--json'])
    const connection = await servers.connect(0)
    while ((await connection.call('DBSIZE')) === 0) await systemClock.sleep(10)
    child.kill('SIGINT')
    const { exitCode, stdout } = await result
    assert.equal(exitCode, 130)
    assert.equal(JSON.parse(stdout).interrupted, true)
    assert.deepEqual(await keyCounts(), [0, 0, 0])
  })

  it('refuses evident mistakes', async () => {
    for (const args of [
      ['--prefix', ''],
      ['--duration', '0s'],
      ['--duration', '1s', '--requests', '5'],
      ['--read-ratio', '1.5'],
      ['--distribution', 'zipf'],
      ['--target', 'lru:0'],
      ['--trace', 'x.csv', '--keys', '5'],
    ]) {
      const { exitCode, stderr } = await runCli(['bench', '-t', file, ...args])
      assert.equal(exitCode, 2, `${args.join(' ')}: ${stderr}`)
    }
  })
})
