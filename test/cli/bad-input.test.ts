/** What users get wrong: each mistake has a message that names it, its exit code, and no stack trace. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CliOptions, type CliResult, runCli } from '../support/cli.js'
import { freePort, startServers, type TestServers } from '../support/redis-servers.js'

describe('bad input', () => {
  let servers: TestServers
  let secured: TestServers
  let directory: string
  let file: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    servers = await startServers(2)
    secured = await startServers(1, { args: ['--requirepass', 'right-password'] })
    file = await servers.topologyFile()
  })
  after(async () => {
    await Promise.all([servers.stop(), secured.stop()])
    await rm(directory, { recursive: true, force: true })
  })

  async function topology(text: string): Promise<string> {
    const path = join(directory, 'bad.yaml')
    await writeFile(path, text)
    return path
  }

  async function refuses(
    args: readonly string[],
    expected: { exitCode: number; message: RegExp },
    options: CliOptions = {},
  ): Promise<CliResult> {
    const result = await runCli(args, options)
    assert.equal(result.exitCode, expected.exitCode, result.stdout + result.stderr)
    assert.match(result.stderr, expected.message)
    assert.doesNotMatch(result.stderr + result.stdout, /^\s+at .+:\d+:\d+\)?$/m, 'a stack trace')
    const asJson = await runCli([...args, '--json'], options)
    assert.equal(asJson.exitCode, expected.exitCode, asJson.stdout + asJson.stderr)
    const report = JSON.parse(asJson.stdout)
    assert.equal(report.schema, 'cachectl/error/v1')
    assert.equal(report.error.exitCode, expected.exitCode)
    return result
  }

  it('malformed YAML', async () => {
    const path = await topology('name: x\nnodes: [\n')
    await refuses(['ring', 'show', '-t', path], { exitCode: 2, message: /bad\.yaml:3:1 / })
  })

  it('an unknown field, with the nearest name', async () => {
    const path = await topology('name: x\nnodes:\n  - id: a\n    url: redis://h:1\n    wieght: 2\n')
    await refuses(['ring', 'show', '-t', path], {
      exitCode: 2,
      message: /bad\.yaml:5:5 nodes\.0\.wieght: unknown field, expected weight\?/,
    })
  })

  it('two nodes with one address', async () => {
    const path = await topology(
      'name: x\nnodes:\n  - id: a\n    url: redis://h:1\n  - id: b\n    url: redis://h:1\n',
    )
    await refuses(['ring', 'show', '-t', path], {
      exitCode: 2,
      message: /bad\.yaml:6:10 .* stands in line 4/,
    })
  })

  it('a topology that is not there', async () => {
    const missing = join(directory, 'missing.yaml')
    await refuses(['ring', 'show', '-t', missing], { exitCode: 2, message: /no such file or directory/ })
    await refuses(
      ['ring', 'show'],
      { exitCode: 2, message: /no topology: .*\n.*--topology/ },
      { cwd: directory },
    )
  })

  it('a command that does not exist', async () => {
    await refuses(['rnig', 'show'], {
      exitCode: 2,
      message: /no command rnig show\nDid you mean `cachectl ring show`/,
    })
  })

  it('a flag that does not exist', async () => {
    await refuses(['bench', '-t', file, '--trce', 'x'], { exitCode: 2, message: /--trce/ })
  })

  for (const args of [['bench'], ['ring', 'check'], ['hotkeys'], ['ring', 'rebalance', 'dead=2', '--yes']]) {
    it(`a dead node: ${args.join(' ')}`, async () => {
      const path = await topology(
        `name: x\nnodes:\n  - id: dead\n    url: redis://127.0.0.1:${await freePort()}\n`,
      )
      await refuses([...args, '-t', path], {
        exitCode: 4,
        message: /node dead \(127\.0\.0\.1:\d+\): .*refused/,
      })
    })

    it(`a wrong password: ${args.join(' ')}`, async () => {
      const { url } = secured.servers[0]!
      const path = await topology(
        `name: x\nnodes:\n  - id: dead\n    url: ${url}\n    passwordEnv: TEST_PASSWORD\n`,
      )
      const { stdout, stderr } = await refuses(
        [...args, '-t', path],
        { exitCode: 4, message: /WRONGPASS.*\n(.*\n)?.*passwordEnv/ },
        { env: { TEST_PASSWORD: 'wrong-secret' } },
      )
      assert.doesNotMatch(stdout + stderr, /wrong-secret/)
    })
  }

  it('a password that is not given', async () => {
    const path = await topology(
      'name: x\nnodes:\n  - id: a\n    url: redis://h:1\n    passwordEnv: TEST_NONE\n',
    )
    await refuses(['ring', 'check', '-t', path], { exitCode: 2, message: /passwordEnv TEST_NONE is not set/ })
  })

  it('a readonly replica', async () => {
    const replica = await startServers(1, {
      args: ['--replicaof', '127.0.0.1', String(servers.servers[0]!.port)],
    })
    try {
      const path = await topology(`name: x\nnodes:\n  - id: r\n    url: ${replica.servers[0]!.url}\n`)
      const expected = { exitCode: 5, message: /node r is a readonly replica/ }
      await refuses(['bench', '-t', path], expected)
      await refuses(['ring', 'rebalance', 'r=2', '-t', path, '--yes'], expected)
    } finally {
      await replica.stop()
    }
  })

  it('a gate that does not parse, with a caret below the fault', async () => {
    await refuses(['bench', '-t', file, '--gate', 'p99<<2ms'], {
      exitCode: 2,
      message: /gate: expected a number or baseline\n {2}p99<<2ms\n {6}\^/,
    })
  })

  it('a trace with a broken line', async () => {
    const trace = join(directory, 'trace.csv')
    await writeFile(
      trace,
      'time,key,key_size,value_size,client,op,ttl\n0,a,1,10,0,get,0\n1,b,1,ten,0,get,0\n',
    )
    await refuses(['bench', '-t', file, '--trace', trace], {
      exitCode: 2,
      message: /trace\.csv:3: value_size is ten, expected a number/,
    })
  })

  it('a change that nobody can confirm', async () => {
    await refuses(['ring', 'rebalance', 'n1=2', '-t', file], { exitCode: 5, message: /not confirmed/ })
  })

  it('a result file that can not be opened: nothing is run', async () => {
    const out = join(directory, 'missing', 'result.json')
    await refuses(['bench', '-t', file, '--out', out], {
      exitCode: 2,
      message: /result file .*Nothing was run/s,
    })
  })

  it('a full disk for the result: it stands on standard output all the same', async function () {
    if (process.platform !== 'linux') this.skip()
    const args = ['bench', '-t', file, '-n', '2000', '--keys', '100', '--warmup', '0s', '--out', '/dev/full']
    const result = await runCli([...args, '--json'])
    assert.equal(result.exitCode, 6)
    assert.match(result.stderr, /result file \/dev\/full: no space left/)
    assert.equal(JSON.parse(result.stdout).operations.get.count > 0, true)
  })
})
