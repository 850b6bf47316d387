import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { createFileStore } from '../../src/control/file-store.js'
import { firstState } from '../../src/ring/epoch.js'
import { testNode, testTopology } from '../support/redis-servers.js'
import { storeContract } from './contract.js'

describe('the control store in a folder', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))
  const open = (name: string) => createFileStore(join(directory, name), systemClock)
  const state = firstState(testTopology([testNode('n1', 7001)]))

  storeContract(open)

  it('is its owner’s alone', async () => {
    await open('modes').compareAndSwap(undefined, state)
    assert.equal((await stat(join(directory, 'modes'))).mode & 0o777, 0o700)
    assert.equal((await stat(join(directory, 'modes', 'state.json'))).mode & 0o777, 0o600)
  })

  it('takes over the lock and the lease of a process that has died', async () => {
    const store = open('dead')
    await store.compareAndSwap(undefined, state)
    const dead = { pid: 2 ** 22 - 1, startTime: '1' }
    await writeFile(join(directory, 'dead', 'lock'), JSON.stringify(dead))
    await writeFile(
      join(directory, 'dead', 'lease.json'),
      JSON.stringify({ token: 41, holder: 'pid 4194303', owner: dead }),
    )
    const lease = await store.acquireLease('me')
    assert.equal(lease.token, 42)
    await lease.release()
  })

  it('survives a crash in the middle of a write: the old state stands, the torn file is ignored', async () => {
    const store = open('torn')
    const stored = await store.compareAndSwap(undefined, state)
    await writeFile(join(directory, 'torn', 'state.json.x.tmp'), '{"revision": "9", "sta')
    assert.deepEqual(await store.load(), stored)
  })

  it('leaves no lock and no temporary file behind', async () => {
    const left = await readdir(join(directory, 'modes'))
    assert.deepEqual(left.sort(), ['clients', 'state.json'])
  })

  it('refuses a file that is not its own', async () => {
    await writeFile(
      join(directory, 'modes', 'state.json'),
      '{"revision":"1","state":{"schema":"cachectl/ring-state/v9"}}',
    )
    await assert.rejects(open('modes').load(), {
      exitCode: 5,
      message: /schema cachectl\/ring-state\/v9, expected/,
    })
  })
})
