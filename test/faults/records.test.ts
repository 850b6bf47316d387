import assert from 'node:assert/strict'
import { readFile, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assertFailed, ChangingRing } from '../support/changing-ring.js'

describe('a journal that can’t be written', () => {
  let ring: ChangingRing
  let journal: string
  beforeEach(async () => {
    ring = await ChangingRing.start({ keys: 1_000 })
    journal = join(dirname(ring.file), '.cachectl/cachectl.yaml/journal')
  })
  afterEach(() => ring.stop())

  async function fillDisk(): Promise<void> {
    await rm(journal, { force: true })
    await symlink('/dev/full', journal)
  }

  const stops = (step: string) =>
    new RegExp(`journal .*: no space left on device \\(ENOSPC\\); the step ${step} was not taken`)

  it('fault-22: at the start: exit 6 before the first step, nothing is published, nothing moves', async () => {
    const before = await readFile(ring.file, 'utf8')
    await fillDisk()
    await ring.fails(ring.add(), 6, stops('begin'))
    await rm(journal)
    assert.equal((await ring.status()).phase, 'stable')
    assert.equal(await readFile(ring.file, 'utf8'), before)
    assert.equal(await (await ring.servers.connect(2)).call('DBSIZE'), 1) // the token of its lease
    await ring.succeeds(ring.add())
    await ring.assertIntact()
  })

  it('fault-22: in the middle: exit 6 before the step that has no record; resume finishes', async () => {
    const { result } = await ring.startUntil(ring.add('--connections', '1', '--max-keys-per-sec', '500'), 100)
    await fillDisk()
    assertFailed(await result, 6, stops('commit'))
    await rm(journal)
    const { phase } = await ring.status()
    assert.equal(phase, 'migrate')
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })
})
