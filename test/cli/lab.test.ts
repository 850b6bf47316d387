import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CliResult, runCli } from '../support/cli.js'
import { freePort, startServers } from '../support/redis-servers.js'

describe('lab up, status and down', () => {
  let directory: string
  let file: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    file = join(directory, 'lab.yaml')
    const socket = join(directory, 'n3.sock')
    await writeFile(
      file,
      [
        'name: lab',
        'nodes:',
        `  - {id: n1, url: "redis://127.0.0.1:${await freePort()}"}`,
        `  - {id: n2, url: "redis://127.0.0.1:${await freePort()}", passwordEnv: TEST_PASSWORD}`,
        `  - {id: n3, url: "unix://${socket}"}`,
        '',
      ].join('\n'),
    )
  })
  after(async () => {
    await lab('down')
    await rm(directory, { recursive: true, force: true })
  })

  function lab(command: string): Promise<CliResult> {
    return runCli(['lab', command, '-t', file, '--json'], { env: environment() })
  }

  function environment() {
    return { XDG_STATE_HOME: join(directory, 'state'), TEST_PASSWORD: 'lab-secret' }
  }

  function states({ stdout }: CliResult): string[] {
    return JSON.parse(stdout).nodes.map(({ state }: { state: string }) => state)
  }

  it('starts every node, once; the commands work on them; stops them', async () => {
    assert.deepEqual(states(await lab('up')), ['started', 'started', 'started'])
    assert.deepEqual(states(await lab('up')), ['running', 'running', 'running'])
    const shown = await runCli(['ring', 'show', '-t', file, '--json'], { env: environment() })
    const reachable = JSON.parse(shown.stdout).nodes.map(
      ({ facts }: { facts: { reachable: boolean } }) => facts.reachable,
    )
    assert.deepEqual(reachable, [true, true, true])
    assert.deepEqual(states(await lab('down')), ['stopped', 'stopped', 'stopped'])
    assert.deepEqual(states(await lab('status')), ['down', 'down', 'down'])
    const left = (await readdir(join(directory, 'state'), { recursive: true, withFileTypes: true })).filter(
      (entry) => entry.isFile(),
    )
    assert.deepEqual(left, [])
  })

  it('keeps the password out of the process list', async () => {
    const up = await lab('up')
    for (const { pid } of JSON.parse(up.stdout).nodes) {
      if (process.platform !== 'linux') continue
      assert.doesNotMatch(await readFile(`/proc/${pid}/cmdline`, 'latin1'), /lab-secret/)
    }
    assert.doesNotMatch(up.stdout + up.stderr, /lab-secret/)
    await lab('down')
  })

  it('notices a record whose server is gone, and starts it again', async () => {
    const up = JSON.parse((await lab('up')).stdout)
    process.kill(up.nodes[0].pid, 'SIGKILL')
    while (states(await lab('status'))[0] === 'running');
    assert.equal(states(await lab('status'))[0], 'stale')
    assert.deepEqual(states(await lab('up')), ['started', 'running', 'running'])
    await lab('down')
  })

  it('never touches a server that it did not start', async () => {
    const foreign = await startServers(1)
    try {
      const path = await foreign.topologyFile()
      const up = await runCli(['lab', 'up', '-t', path], { env: environment() })
      assert.equal(up.exitCode, 5)
      assert.match(up.stderr, /node n1: something else listens on .*; the lab did not start it/)
      const down = await runCli(['lab', 'down', '-t', path, '--json'], { env: environment() })
      assert.deepEqual(states(down), ['foreign'])
      assert.equal(await (await foreign.connect(0)).call('PING'), 'PONG')
    } finally {
      await foreign.stop()
    }
  })

  it('refuses nodes on other machines', async () => {
    const path = join(directory, 'remote.yaml')
    await writeFile(path, 'name: remote\nnodes:\n  - {id: far, url: "redis://10.0.0.1:6379"}\n')
    const { exitCode, stderr } = await runCli(['lab', 'up', '-t', path], { env: environment() })
    assert.equal(exitCode, 5)
    assert.match(stderr, /not on this machine: far/)
  })
})
