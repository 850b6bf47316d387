import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { type Lab, labDown, labStatus, labUp } from '../../src/lab/lab.js'
import { isAlive, startTimeOf } from '../../src/process-identity.js'
import { freePort, testNode, testTopology } from '../support/redis-servers.js'

describe('the lab', () => {
  let directory: string
  let lab: Lab
  let bystander: ChildProcess
  const never = new AbortController().signal

  before(async () => {
    bystander = spawn('sleep', ['600'], { stdio: 'ignore' })
    await new Promise((resolve) => bystander.once('spawn', resolve))
  })
  after(() => bystander.kill('SIGKILL'))
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    lab = {
      topology: testTopology([testNode('n1', await freePort()), testNode('n2', await freePort())]),
      directory: join(directory, 'lab'),
      clock: systemClock,
      env: process.env,
      readPassword: async () => undefined,
    }
  })
  afterEach(async () => {
    await labDown(lab)
    await rm(directory, { recursive: true, force: true })
  })

  /** A record as the lab writes it, for node n1. */
  async function writeRecord(record: object): Promise<void> {
    const { address } = lab.topology.nodes[0]!
    await mkdir(join(lab.directory, 'n1'), { recursive: true })
    const place = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path
    await writeFile(join(lab.directory, 'n1', 'process.json'), JSON.stringify({ address: place, ...record }))
  }

  const states = (nodes: readonly { state: string }[]) => nodes.map(({ state }) => state)

  it('never ends a process that has got the pid of a server of ours since', async () => {
    const pid = bystander.pid!
    const startTime = (await startTimeOf(pid))!
    await writeRecord({ pid, startTime: `${startTime}0` })
    assert.deepEqual(states((await labStatus(lab)).nodes), ['stale', 'down'])
    await labDown(lab)
    assert.equal(await isAlive({ pid, startTime }), true)
    assert.deepEqual(states((await labUp(lab, never)).nodes), ['started', 'started'])
    assert.equal(await isAlive({ pid, startTime }), true)
  })

  it('takes a record that was cut off while it was written for none', async () => {
    await mkdir(join(lab.directory, 'n1'), { recursive: true })
    await writeFile(join(lab.directory, 'n1', 'process.json'), '{"pid": 1')
    assert.deepEqual(states((await labUp(lab, never)).nodes), ['started', 'started'])
  })

  it('refuses a record of another address, and names it', async () => {
    await writeRecord({ pid: bystander.pid, startTime: '1', address: '127.0.0.1:1' })
    await assert.rejects(labStatus(lab), { exitCode: 5, message: /process\.json is of 127\.0\.0\.1:1/ })
    await rm(lab.directory, { recursive: true })
  })

  it('stops what it has started when it is told to stop, and says why', async () => {
    const abort = new AbortController()
    let first: number | undefined
    const aborting: Lab = {
      ...lab,
      readPassword: async ({ id }) => {
        if (id === 'n1') return undefined
        first = (await labStatus(lab)).nodes[0]!.pid
        abort.abort(new Error('stopped by SIGINT'))
        return undefined
      },
    }
    await assert.rejects(labUp(aborting, abort.signal), /stopped by SIGINT/)
    assert.ok(first)
    assert.equal(await startTimeOf(first), undefined)
    assert.ok((await labStatus(lab)).nodes.every(({ state }) => state === 'stale' || state === 'down'))
  })

  it('shows the end of the log of a server that does not start', async () => {
    const path = join(directory, 'broken-server')
    const script =
      '#!/bin/sh\n[ "$1" = --version ] && exec echo "Redis server v=7.0.15"\necho "no memory"\nexit 1\n'
    await writeFile(path, script, { mode: 0o755 })
    await assert.rejects(labUp({ ...lab, env: { CACHECTL_REDIS_SERVER: path } }, never), {
      exitCode: 4,
      message: /^node n1: the server on 127\.0\.0\.1:\d+ ended at once:\nno memory$/,
    })
    assert.deepEqual(states((await labStatus(lab)).nodes), ['stale', 'down'])
  })
})
