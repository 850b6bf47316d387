import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { createScatter } from '../../src/workload/key-distribution.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('hotkeys on real servers under load', () => {
  let servers: TestServers
  let file: string

  before(async () => {
    servers = await startServers(2)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  const keyCount = 10_000

  async function underLoad<T>(distribution: string, body: () => Promise<T>): Promise<T> {
    const keys = ['--keys', String(keyCount), '--prefix', 'h:', '--connections', '4']
    const load = startCli(['bench', '-t', file, ...keys, '--distribution', distribution, '--duration', '10m'])
    try {
      const connection = await servers.connect(0)
      while (Number(await connection.call('DBSIZE')) < 500) await systemClock.sleep(20)
      return await body()
    } finally {
      load.child.kill('SIGINT')
      await load.result
    }
  }

  async function assertNoMonitorLeft(): Promise<void> {
    for (const index of servers.servers.keys()) {
      const clients = String(await (await servers.connect(index)).call('CLIENT', 'LIST'))
      assert.doesNotMatch(clients, /cmd=monitor/)
    }
  }

  it('finds the hottest keys, with intervals, and leaves no monitor behind', async () => {
    const result = await underLoad('zipf:1.2', () =>
      runCli(['hotkeys', '-t', file, '--top', '5', '--max-time', '6s', '--json']),
    )
    assert.equal(result.exitCode, 0, result.stderr)
    const report = JSON.parse(result.stdout)
    const scatter = createScatter(keyCount)
    const name = (rank: number) => `h:${String(scatter(rank)).padStart(4, '0')}`
    const found = report.keys.map(({ key }: { key: string }) => key)
    assert.deepEqual(found.slice(0, 2), [name(0), name(1)])
    for (const { nodes, opsPerSec, opsPerSecLow, opsPerSecHigh, type, exists } of report.keys) {
      const [{ share, shareLow, shareHigh }] = nodes
      assert.ok(shareLow < share && share < shareHigh)
      assert.ok(0 < opsPerSecLow && opsPerSecLow < opsPerSec && opsPerSec < opsPerSecHigh)
      assert.equal(nodes.length, 1)
      assert.deepEqual({ type, exists }, { type: 'string', exists: true })
    }
    await assertNoMonitorLeft()
  })

  it('reports none on uniform traffic, and says up to where it can tell', async () => {
    const result = await underLoad('uniform', () => runCli(['hotkeys', '-t', file, '--max-time', '3s']))
    assert.match(result.stdout, /No key above 0\.5 % of its node \(upper bound \d/)
  })

  it('never stores or prints values', async () => {
    const connection = await servers.connect(0)
    let running = true
    const traffic = (async () => {
      while (running) await connection.call('SET', 'one-key', 'top-secret-value')
    })()
    const { stdout, stderr } = await runCli(['hotkeys', '-t', file, '--max-time', '1s', '--json'])
    running = false
    await traffic
    assert.match(stdout, /one-key/)
    assert.doesNotMatch(stdout + stderr, /top-secret-value/)
    await connection.call('DEL', 'one-key')
  })

  it('says that it saw no traffic', async () => {
    const idle = await startServers(1)
    try {
      const { stdout, exitCode } = await runCli([
        'hotkeys',
        '-t',
        await idle.topologyFile(),
        '--max-time',
        '1s',
      ])
      assert.equal(exitCode, 0)
      assert.match(stdout, /No traffic was seen/)
    } finally {
      await idle.stop()
    }
  })

  async function runAsLooker(...rights: string[]) {
    for (const index of servers.servers.keys()) {
      const connection = await servers.connect(index)
      await connection.call('ACL', 'SETUSER', 'looker', 'reset', 'on', '>pw', '~*', '-@all', ...rights)
    }
    const args = ['hotkeys', '-t', await topologyOfLooker(), '--max-time', '1s']
    return runCli(args, { env: { TEST_PASSWORD: 'pw' } })
  }

  it('needs the rights that its help lists, and no more', async () => {
    const { exitCode, stderr } = await runAsLooker(
      '+monitor',
      '+info',
      '+command',
      '+client|id',
      '+client|kill',
    )
    assert.equal(exitCode, 0, stderr)
  })

  it('names the rights that are missing, before anything is sampled', async () => {
    const { exitCode, stderr } = await runAsLooker('+info', '+command', '+client|id')
    assert.equal(exitCode, 5, stderr)
    assert.match(stderr, /node n1 .*user looker lacks \+monitor \+client\|kill/)
    assert.match(stderr, /ACL SETUSER looker \+monitor \+client\|kill/)
    await assertNoMonitorLeft()
  })

  async function topologyOfLooker(): Promise<string> {
    const path = `${servers.directory}/looker.yaml`
    const nodes = servers.servers.map(
      ({ id, url }) => `  - {id: ${id}, url: "${url}", username: looker, passwordEnv: TEST_PASSWORD}\n`,
    )
    await writeFile(path, `name: test\nnodes:\n${nodes.join('')}`)
    return path
  }

  it('fails above a share, tells missing keys, and redacts on demand', async () => {
    const connection = await servers.connect(0)
    let running = true
    const traffic = (async () => {
      while (running) await connection.call('GET', 'user:void')
    })()
    try {
      const args = [
        'hotkeys',
        '-t',
        file,
        '--max-time',
        '20s',
        '--json',
        '--fail-above',
        '20%',
        '--redact',
        'prefix',
      ]
      const { exitCode, stdout, stderr } = await runCli(args)
      assert.equal(exitCode, 3, stderr)
      const [key] = JSON.parse(stdout).keys
      assert.match(key.key, /^user:#/)
      assert.deepEqual([key.keyBase64, key.exists, key.suggestion.action], [null, false, 'fix-client'])
      assert.doesNotMatch(stdout, /void/)
    } finally {
      running = false
      await traffic
    }
  })

  it('--watch prints a JSON line a window and serves gauges until Ctrl-C', async () => {
    await underLoad('zipf:1.2', async () => {
      const { child, result } = startCli(['hotkeys', '-t', file, '--prometheus', '0', '--json'])
      let [out, told] = ['', '']
      child.stdout!.on('data', (chunk: Buffer) => {
        out += chunk.toString()
      })
      child.stderr!.on('data', (chunk: Buffer) => {
        told += chunk.toString()
      })
      while (out.split('\n').length < 3) await systemClock.sleep(50)
      const [, url] = /metrics: (\S+)/.exec(told)!
      const scraped = await (await fetch(url!)).text()
      assert.match(scraped, /^cachectl_hotkeys_key_share\{rank="1",node="n\d"\} 0\.\d+$/m)
      child.kill('SIGINT')
      const { exitCode, stdout } = await result
      assert.equal(exitCode, 130)
      const windows = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      assert.equal(windows[0].schema, 'cachectl/hotkeys/v2')
      assert.ok(windows[1].samples > windows[0].samples)
      assert.deepEqual(windows[1].gone, [])
    })
    await assertNoMonitorLeft()
  })

  it('Ctrl-C: shows what was sampled until then, exits 130, leaves no monitor', async () => {
    await underLoad('zipf:1.2', async () => {
      const connection = await servers.connect(0)
      await connection.call('CONFIG', 'RESETSTAT')
      const { child, result } = startCli(['hotkeys', '-t', file, '--max-time', '10m', '--json'])
      while (!String(await connection.call('INFO', 'commandstats')).includes('cmdstat_monitor')) {
        await systemClock.sleep(20)
      }
      child.kill('SIGINT')
      const { exitCode, stdout } = await result
      assert.equal(exitCode, 130)
      assert.equal(JSON.parse(stdout).interrupted, true)
    })
    await assertNoMonitorLeft()
  })
})
