/** Schedules: what is reported when servers stall, when requests can't be sent, when rates change. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('bench on a schedule', () => {
  let servers: TestServers
  let file: string

  before(async () => {
    servers = await startServers(2)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  const small = ['--keys', '500', '--warmup', '0s', '--connections', '4', '--read-ratio', '1', '--fill']

  async function bench(...args: string[]) {
    const result = await runCli(['bench', '-t', file, ...small, ...args, '--json'])
    assert.ok(result.exitCode === 0 || result.exitCode === 3, result.stdout + result.stderr)
    return { ...result, report: JSON.parse(result.stdout) }
  }

  /** Runs while one of the servers stands still from 300 ms after the first sign of load on. */
  async function stalled(ms: number, ...args: string[]) {
    const { pid } = servers.servers[0]!
    const connection = await servers.connect(0)
    const { result } = startCli(['bench', '-t', file, ...small, ...args, '--keep', '--json'])
    const commands = async () =>
      Number(/total_commands_processed:(\d+)/.exec(String(await connection.call('INFO', 'stats')))![1])
    const before = await commands()
    while ((await commands()) < before + 1_200) await systemClock.sleep(5)
    process.kill(pid, 'SIGSTOP')
    const stoppedMs = systemClock.nowMs()
    await systemClock.sleep(ms)
    process.kill(pid, 'SIGCONT')
    const stallMs = systemClock.nowMs() - stoppedMs
    const { exitCode, stderr, stdout } = await result
    assert.ok(exitCode === 0 || exitCode === 3, stderr)
    return { report: JSON.parse(stdout), stallMs }
  }

  it('a stall is seen by all requests that were due in it', async () => {
    const { report, stallMs } = await stalled(500, '--rate', '2000', '--duration', '2s')
    assert.equal(report.mode, 'open')
    const node = report.nodes.n1
    // requests due evenly over the stall waited from all of it down to nothing
    const waited = (node.count / 2) * (stallMs / 1000)
    const expected = stallMs * (1 - (0.01 * node.count) / waited)
    assert.ok(Math.abs(node.p99Ms - expected) < 0.1 * stallMs, `${node.p99Ms} ms, expected ${expected}`)
    assert.ok(report.nodes.n2.p50Ms < stallMs / 10)
    assert.equal(report.phases[0].unsent, 0)
  })

  it('beyond the in-flight bound requests wait, and keep their intended start', async () => {
    const bound = ['--rate', '2000', '--duration', '2s', '--max-in-flight', '20', '--gate', 'p50<10s']
    const { report } = await stalled(500, ...bound)
    assert.ok(report.heldBackSeconds > 0.3, `${report.heldBackSeconds} s held back`)
    assert.ok(report.latency.p99Ms > 200, 'response time counts the wait')
    assert.ok(report.latency.service.p99Ms < report.latency.p99Ms / 2, 'service time hides it')
    assert.match(report.gates[0].reason, /not to be trusted/)
    assert.equal(report.gates[0].passed, false)
    assert.match(report.warnings.join('\n'), /in.flight/)
  })

  it('and that is allowed with --allow-lag', async () => {
    const bound = ['--rate', '2000', '--duration', '1s', '--max-in-flight', '1', '--gate', 'p50<10s']
    const { exitCode } = await bench(...bound, '--allow-lag')
    assert.equal(exitCode, 0)
  })

  it('offers what ramps and steps add up to', async () => {
    const ramp = await bench('--rate', '0..2000/1s')
    assert.equal(ramp.report.phases[0].offered, 1_000)
    assert.equal(ramp.report.latency.count, 1_000)
    const steps = await bench('--rate', 'step:500,1k/0.5s', '--arrivals', 'uniform', '--threads', '2')
    assert.equal(steps.report.phases[0].offered, 750)
    assert.equal(steps.report.achievedShare, 1)
  })

  it('phases: each with its rate, and a hot set that moves', async () => {
    const workload = join(servers.directory, 'phases.yaml')
    await writeFile(
      workload,
      [
        'keys: {count: 1000}',
        'distribution: zipf:1.4',
        'operations: {get: 1}',
        'fill: false',
        'warmup: 0s',
        'phases:',
        '  - {name: calm, duration: 0.5s, rate: 400}',
        '  - {name: moved, duration: 0.5s, rate: 1600, shift: 0.5}',
        'gates: ["phase(moved).get.count==800"]',
      ].join('\n'),
    )
    const { exitCode, stdout, stderr } = await runCli([
      'bench',
      '-t',
      file,
      '-w',
      workload,
      '--allow-lag',
      '--json',
    ])
    assert.equal(exitCode, 0, stderr)
    const { phases } = JSON.parse(stdout)
    assert.deepEqual(
      phases.map(({ name, count }: { name: string; count: number }) => [name, count]),
      [
        ['calm', 200 + phases[0].operations.fill.count],
        ['moved', 800 + phases[1].operations.fill.count],
      ],
    )
    assert.ok(phases[1].misses > 50, 'the moved hot set was cold')
  })

  it('replays a trace by its own times', async () => {
    const trace = join(servers.directory, 'trace.csv')
    const rows = Array.from({ length: 50 }, (_, index) => `${index / 100},k${index},3,10,1,get,0`)
    await writeFile(trace, rows.join('\n'))
    const replay = ['bench', '-t', file, '--trace', trace, '--json', '--speed']
    const { report } = { report: JSON.parse((await runCli([...replay, '1x'])).stdout) }
    assert.ok(Math.abs(report.seconds - 0.49) < 0.2, `${report.seconds} s`)
    assert.equal(report.phases[0].offered, 50)
  })
})
