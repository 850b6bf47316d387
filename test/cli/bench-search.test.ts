/** The two that run the load many times: the highest rate that keeps a gate, and two sides in turns. */
import assert from 'node:assert/strict'
import { runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('bench, many times', () => {
  let servers: TestServers
  let file: string

  before(async () => {
    servers = await startServers(1)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  const soon = ['--warmup', '0.1s']
  const small = ['--keys', '500', '--connections', '4', '--fill', '--json']

  it('--find-max ends between a rate that passes and one that does not, and confirms it', async () => {
    // long enough that a start of 20 ms is less than a hundredth of it
    const search = ['--find-max', 'offered<=3000', '--duration', '2s', '--rate', '2000', ...soon]
    const { exitCode, stdout, stderr } = await runCli(['bench', '-t', file, ...small, ...search])
    assert.equal(exitCode, 0, stderr)
    const { ratePerSec, steps } = JSON.parse(stdout)
    assert.ok(ratePerSec >= 2_500 && ratePerSec <= 3_000, `${ratePerSec}`)
    assert.equal(steps.at(-1).isConfirmation, true)
    assert.equal(steps.at(-1).ratePerSec, ratePerSec)
    assert.ok(
      steps.some(
        ({ passed, ratePerSec: rate }: { passed: boolean; ratePerSec: number }) =>
          !passed && rate > ratePerSec,
      ),
    )
    assert.equal(await (await servers.connect(0)).call('DBSIZE'), 0)
  })

  it('--find-max says so when no rate passes', async () => {
    const search = ['--find-max', 'p50<1us', '--duration', '0.1s', '--rate', '20', ...soon]
    const { exitCode, stdout } = await runCli(['bench', '-t', file, ...small, ...search])
    assert.equal(exitCode, 3)
    assert.equal(JSON.parse(stdout).ratePerSec, null)
  })

  it('ab finds that twice the pipeline does more, in turns', async () => {
    const sides = ['--a', `-t ${file} -P 4`, '--b', '--pipeline 1', '--pairs', '8', '--slice', '0.3s']
    const { exitCode, stdout, stderr } = await runCli(['bench', 'ab', '-t', file, ...small, ...sides])
    assert.equal(exitCode, 3, stderr)
    const { comparison, pairs } = JSON.parse(stdout)
    assert.equal(pairs.length, 8)
    assert.equal(comparison.design, 'paired')
    const throughput = comparison.metrics.find(({ metric }: { metric: string }) => metric === 'throughput')
    assert.equal(throughput.decision, 'worse')
  })

  it('refuses flags that a search or turns would not heed', async () => {
    const mistakes = [
      [
        ['--find-max', 'p99<1s', '--out', 'x.json'],
        /--find-max does not go with --out: a search has no single run/,
      ],
      [['--find-max', 'p99<1s', '--allow-lag'], /--find-max does not go with --allow-lag/],
      [
        ['ab', '--duration', '5s'],
        /bench ab does not go with --duration: a turn lasts as long as --slice says/,
      ],
    ] as const
    const results = await Promise.all(mistakes.map(([args]) => runCli(['bench', ...args, '-t', file])))
    mistakes.forEach(([, message], index) => {
      assert.equal(results[index]!.exitCode, 2, results[index]!.stdout)
      assert.match(results[index]!.stderr.replace(/\s+/g, ' '), message)
    })
  })

  it('ab names the side whose flags are wrong', async () => {
    const { exitCode, stderr } = await runCli(['bench', 'ab', '-t', file, '--b', '--pipelin 3'])
    assert.equal(exitCode, 2)
    assert.match(stderr, /side B \(--b\): Nonexistent flag: --pipelin\n/)
  })
})
