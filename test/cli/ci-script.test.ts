/** What a CI job does, as the shell script that it is: fill → bench with gates → compare; docs/ci.md shows the jobs. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HistogramLogReader } from 'hdr-histogram-js'
import { root, runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const prelude = `
set -euo pipefail
cachectl() { "$NODE" "$CACHECTL" "$@"; }
bench() { cachectl bench -t "$TOPOLOGY" --keys 200 --warmup 0s --connections 4 --requests 3000 "$@"; }
`

describe('a CI script', () => {
  let servers: TestServers
  let topology: string
  let directory: string
  before(async () => {
    servers = await startServers(2)
    topology = await servers.topologyFile()
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(async () => {
    await servers.stop()
    await rm(directory, { recursive: true, force: true })
  })

  /** As GitHub runs a step: bash, standard output read for workflow commands. */
  function step(script: string): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
    const child = spawn('bash', ['-c', prelude + script], {
      cwd: directory,
      env: {
        ...process.env,
        NO_COLOR: '1',
        NODE: process.execPath,
        CACHECTL: join(root, 'bin/run.js'),
        TOPOLOGY: topology,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
    })
  }

  const annotations = (stdout: string) => stdout.split('\n').filter((line) => line.startsWith('::'))

  it('fills, measures, judges and compares, and leaves every kind of report', async () => {
    const { exitCode, stdout, stderr } = await step(`
      bench --fill --keep --out main.json
      bench --keep --out branch.json --baseline main.json \\
        --gate 'errors==0' --gate 'hit_ratio>=0.99' --gate 'get.p99<10s' --gate 'throughput>=baseline*0.001' \\
        --report text --report github --report junit:gates.xml --report csv:run.csv \\
        --report prometheus:run.prom --report hlog:run.hlog --report json:again.json
      cachectl bench compare main.json branch.json --gate 'p99<=baseline*1000' --report github
    `)
    assert.equal(exitCode, 0, stdout + stderr)
    assert.deepEqual(
      annotations(stdout).filter((line) => line.startsWith('::error')),
      [],
    )
    assert.match(stdout, /::notice title=cachectl bench [^:]+::[\d,]+ requests\/s, .*%0A4 of 4 gates passed/)
    assert.match(stdout, /::notice title=cachectl bench compare::branch\.json: compared with main\.json: .*/)
    assert.match(await readFile(join(directory, 'gates.xml'), 'utf8'), /tests="4" failures="0" errors="0"/)
    assert.match(await readFile(join(directory, 'run.csv'), 'utf8'), /^at_sec,phase,node,.*\r\n/)
    assert.match(
      await readFile(join(directory, 'run.prom'), 'utf8'),
      /\ncachectl_bench_throughput_per_second \d/,
    )
    const [branch, again] = await Promise.all(
      ['branch.json', 'again.json'].map(async (name) =>
        JSON.parse(await readFile(join(directory, name), 'utf8')),
      ),
    )
    assert.deepEqual(again, branch)
    const log = new HistogramLogReader(await readFile(join(directory, 'run.hlog'), 'utf8'))
    let logged = 0
    for (let each = log.nextIntervalHistogram(); each; each = log.nextIntervalHistogram())
      logged += each.totalCount
    assert.equal(logged, branch.latency.count)
  })

  it('stops at the step whose gate fails, with 3, and an annotation that says why', async () => {
    const { exitCode, stdout, stderr } = await step(`
      bench --prefix cold: --out cold.json --gate 'errors==0' --gate 'hit_ratio>=0.99' --report github
      echo 'the script went on'
    `)
    assert.equal(exitCode, 3, stdout + stderr)
    assert.doesNotMatch(stdout, /the script went on/)
    const errors = annotations(stdout).filter((line) => line.startsWith('::error'))
    assert.equal(errors.length, 1, stdout)
    assert.match(errors[0]!, /^::error title=gate failed%3A hit_ratio>=0\.99::value 0\.\d+; limit 0\.99$/)
    // the result is there all the same, to be looked at
    assert.equal(JSON.parse(await readFile(join(directory, 'cold.json'), 'utf8')).gates[1].passed, false)
  })

  it('fails with 3 where the later run is worse than the stored one', async () => {
    const { exitCode, stdout } = await step(
      `cachectl bench compare main.json branch.json --gate 'p99<=baseline*0.0001' --report text --report junit:c.xml`,
    )
    assert.equal(exitCode, 3)
    assert.match(stdout, /FAIL +p99<=baseline\*0\.0001/)
    assert.match(await readFile(join(directory, 'c.xml'), 'utf8'), /failures="1"/)
  })

  it('refuses, with 2 and before any load, what could never be judged', async () => {
    const files = await readdir(directory)
    for (const [args, message] of [
      [`--gate 'p99<baseline'`, /needs --baseline FILE/],
      [`--baseline none.json`, /none\.json: no such file/],
      [`--baseline main.json --pipeline 7`, /asked another question:\n {2}pipeline 1 → 7\nMake both/],
      [`--report hlog`, /needs a file/],
      [`--report xml:x`, /FORMAT one of text, json, csv/],
      [`--report junit --json`, /both print to standard output/],
    ] as const) {
      const { exitCode, stdout, stderr } = await step(`bench ${args}`)
      assert.equal(exitCode, 2, `${args}: ${stdout}${stderr}`)
      assert.match(stdout + stderr, message)
    }
    assert.deepEqual(await readdir(directory), files)
  })

  it('tells a difference of question from one of speed', async () => {
    await step('bench --keep --pipeline 2 --out other.json')
    const compare = (...args: string[]) =>
      runCli(['bench', 'compare', 'main.json', 'other.json', ...args], { cwd: directory })
    const refused = await compare()
    assert.equal(refused.exitCode, 2)
    assert.match(refused.stderr, /main\.json asked another question:\n {2}pipeline 1 → 2\n/)
    const forced = await compare('--force', '--json')
    assert.equal(forced.exitCode, 0)
    const { schema, before, comparison } = JSON.parse(forced.stdout)
    assert.deepEqual([schema, before, comparison.design], ['cachectl/compare/v1', 'main.json', 'unpaired'])
  })
})
