import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ChangingRing, preload } from '../support/changing-ring.js'
import { runCli } from '../support/cli.js'

describe('an operator that dies at one write', () => {
  let ring: ChangingRing
  before(async () => {
    ring = await ChangingRing.start()
  })
  after(() => ring.stop())
  afterEach(() => ring.home())

  async function dies(at: string, ...flags: string[]): Promise<void> {
    const { signal, stderr } = await runCli(ring.add(...flags), {
      env: { DIE_AT: at, NODE_OPTIONS: preload('die-at') },
    })
    assert.equal(signal, 'SIGKILL', `${at}: ${stderr}`)
  }

  const atSpare = async () => Number(await (await ring.servers.connect(ring.spare)).call('DBSIZE'))

  it('fault-01: before the first record is on disk: nothing has changed, and the next run starts clean', async () => {
    await dies('open journal 1')
    const { phase } = await ring.status()
    assert.equal(phase, 'stable')
    assert.equal(await atSpare(), 1) // the token of its lease
    // the dead process's lease is no hindrance
    await ring.succeeds(ring.add())
    await ring.assertIntact()
  })

  // of one change: prepare, migrate, stable
  for (const [nth, before, after] of [
    [1, 'stable', 'prepare'],
    [2, 'prepare', 'migrate'],
    [3, 'migrate', 'stable'],
  ] as const) {
    it(`fault-03: inside the write of the state after ${before}: the old one or the new one, never half`, async () => {
      await dies(`rename state.json ${nth}`)
      assert.equal((await ring.status()).phase, before)
      await ring.succeeds(ring.add())
      await ring.home()
      await dies(`renamed state.json ${nth}`)
      assert.equal((await ring.status()).phase, after)
      JSON.parse(await readFile(join(dirname(ring.file), '.cachectl/cachectl.yaml/state.json'), 'utf8'))
      await ring.succeeds(after === 'stable' ? ring.add() : ring.resume())
      await ring.assertIntact()
    })
  }

  for (const [kind, flags, packet] of [
    ['small keys', [], 'unpack(keys) 1'],
    ['small keys, later', ['--connections', '1'], 'unpack(keys) 5'],
    ['a big key', ['--big-key', '1024'], 'unpack(keys)+big: 1'],
  ] as const) {
    it(`fault-04: between the copy and the removal of ${kind}: at both with one value, and once after resume`, async () => {
      if (kind === 'a big key') await makeBigKeys()
      await dies(`write ${packet}`, ...flags)
      assert.ok((await atSpare()) > 1)
      await ring.succeeds(ring.resume(...flags))
      await ring.assertIntact()
    })
  }

  it('fault-07: after the new owners are published, before anything else: the same command again finishes', async () => {
    await dies('renamed state.json 3')
    assert.equal((await ring.status()).phase, 'stable')
    assert.doesNotMatch(await readFile(ring.file, 'utf8'), new RegExp(ring.newcomer))
    await ring.succeeds(ring.add())
    await ring.assertIntact()
  })

  it('fault-08: with the removal at the source on its way: the rest is removed by whoever resumes', async () => {
    await dies('wrote unpack(keys) 3', '--connections', '1')
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })

  it('fault-09: before the last record: nothing is left to do', async () => {
    // begin, arm, prepare, flip, migrate, drain, commit, end
    await dies('open journal 8')
    const { phase, journal } = await ring.status()
    assert.deepEqual([phase, journal.at(-1)?.step], ['stable', 'commit'])
    assert.match(await readFile(ring.file, 'utf8'), new RegExp(`id: ${ring.newcomer}`))
    await ring.assertIntact()
  })

  async function makeBigKeys(): Promise<void> {
    for (const index of [0, 1]) {
      const connection = await ring.servers.connect(index)
      for (let key = 0; key < 6; key++) {
        const fields = Array.from({ length: 3_000 }, (_, field) => [`f${field}`, `v${key}`]).flat()
        await connection.call('HSET', `big:${index}:${key}`, ...fields)
      }
    }
    await ring.succeeds(['ring', 'check', '-t', ring.file, '--repair'])
    await ring.adopt()
  }
})
