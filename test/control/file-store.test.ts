import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { withLock } from '../../src/control/durable-file.js'
import { createFileStore } from '../../src/control/file-store.js'
import { createRandom, freshSeed } from '../../src/random.js'
import { firstState } from '../../src/ring/epoch.js'
import { testNode, testTopology } from '../support/redis-servers.js'
import { storeContract } from './contract.js'
import { startControlProcess } from './control-process-of.js'

const dead = { pid: 2 ** 22 - 1, startTime: '1' }
const random = createRandom(Number(process.env.SEED ?? freshSeed()))

describe(`the control store in a folder (SEED=${random.seed})`, () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))
  const open = (ring: string) => createFileStore(join(directory, ring), systemClock)
  const state = firstState(testTopology([testNode('n1', 7001)]))

  storeContract(
    () => ({
      open,
      url: (ring) => `file:${join(directory, ring)}`,
      // there is no network: its watcher looks ten times a second, and sees the last of many changes
      openRemote: async (ring) => ({ store: open(ring), cut: () => {}, mend: () => {} }),
      expireLease: async (ring) => {
        const path = join(directory, ring, 'lease.json')
        const lease = JSON.parse(await readFile(path, 'utf8'))
        await writeFile(path, JSON.stringify({ ...lease, owner: dead }))
      },
      spoil: (ring, text) =>
        writeFile(join(directory, ring, 'state.json'), `{"revision":"1","state":${text}}`),
    }),
    { name: 'state.json', hasServer: false },
  )

  it('is its owner’s alone', async () => {
    const store = open('modes')
    await store.compareAndSwap(undefined, state)
    await store.putNotice('pause', 'x')
    await store.putClient({ id: 'a', ackedEpoch: 1, seenMs: 1, origin: '' })
    const modeOf = async (path: string) => (await stat(join(directory, 'modes', path))).mode & 0o777
    for (const folder of ['', 'clients', 'notices']) assert.equal(await modeOf(folder), 0o700, folder)
    for (const file of ['state.json', 'clients/a.json', 'notices/pause'])
      assert.equal(await modeOf(file), 0o600, file)
  })

  it('leaves no lock and no temporary file behind', async () => {
    const left = await readdir(join(directory, 'modes'))
    assert.deepEqual(left.sort(), ['clients', 'notices', 'state.json'])
  })

  it('refuses a folder that others may write to, and a link in place of a file', async () => {
    const path = join(directory, 'shared')
    await mkdir(path)
    await chmod(path, 0o777)
    await assert.rejects(open('shared').compareAndSwap(undefined, state), {
      exitCode: 5,
      message: /shared can be written to by others/,
    })
    await chmod(path, 0o700)
    await symlink(join(directory, 'modes', 'state.json'), join(path, 'state.json'))
    await assert.rejects(open('shared').load(), { exitCode: 5, message: /state\.json is a link/ })
  })

  it('takes over the lock and the lease of a process that has died', async () => {
    const store = open('dead')
    await store.compareAndSwap(undefined, state)
    await writeFile(join(directory, 'dead', 'lock'), JSON.stringify(dead))
    await writeFile(
      join(directory, 'dead', 'lease.json'),
      JSON.stringify({ token: 41, holder: 'pid 4194303', owner: dead }),
    )
    assert.equal(await store.leaseHolder(), undefined)
    const lease = await store.acquireLease('me')
    assert.equal(lease.token, 42)
    await lease.release()
  })

  it('a dead process’s lock, found by many at once, is broken once: there are never two inside', async () => {
    const path = join(directory, 'lock-of-many')
    let inside = 0
    let passed = 0
    for (let round = 0; round < 20; round++) {
      await writeFile(path, JSON.stringify({ ...dead, round }))
      const pass = async () =>
        withLock(path, systemClock, async () => {
          inside += 1
          assert.equal(inside, 1)
          await systemClock.sleep(random.below(3))
          inside -= 1
          passed += 1
        })
      await Promise.all(Array.from({ length: 8 }, pass))
    }
    assert.equal(passed, 160)
  })

  it('a lock that a crash of the host left empty is nobody’s', async () => {
    const path = join(directory, 'empty-lock')
    await writeFile(path, '')
    assert.equal(await withLock(path, systemClock, async () => 'done'), 'done')
  })

  it('writers killed -9 in mid-write leave the old state or the new one, never half, and nothing acknowledged is lost', async () => {
    const store = open('killed')
    const url = `file:${join(directory, 'killed')}`
    for (let round = 0; round < 8; round++) {
      const writers = await Promise.all([0, 1].map(() => startControlProcess(url, 'killed', 'write')))
      const killAfter = random.below(20)
      let acked = 0
      for (let told = 0; told < killAfter + 1; told++) acked = Number(await writers[told % 2]!.line())
      for (const writer of writers) writer.kill()
      await Promise.all(writers.map(({ ended }) => ended))
      const stored = (await store.load())!
      assert.ok(stored.state.epoch >= acked, `epoch ${stored.state.epoch}, but ${acked} was acknowledged`)
      // each write was made once: an epoch a revision
      assert.equal(stored.revision, String(stored.state.epoch))
    }
  })

  it('survives a crash in the middle of a write: the old state stands, the torn file is ignored', async () => {
    const store = open('torn')
    const stored = await store.compareAndSwap(undefined, state)
    await writeFile(join(directory, 'torn', 'state.json.x.tmp'), '{"revision": "9", "sta')
    assert.deepEqual(await store.load(), stored)
  })

  it('refuses a lease and a client that are no such thing, by their paths', async () => {
    const store = open('spoilt')
    await store.putClient({ id: 'a', ackedEpoch: 1, seenMs: 1, origin: '' })
    await writeFile(join(directory, 'spoilt', 'clients', 'a.json'), '{')
    await writeFile(join(directory, 'spoilt', 'lease.json'), '[]')
    await assert.rejects(store.clients(), {
      exitCode: 5,
      message: /spoilt\/clients\/a\.json does not hold a client/,
    })
    await assert.rejects(store.acquireLease('me'), {
      exitCode: 5,
      message: /lease\.json does not hold a lease/,
    })
  })
})
