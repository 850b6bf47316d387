import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ChangingRing, preload } from '../support/changing-ring.js'
import { runCli } from '../support/cli.js'

describe('a journal that can’t be written or read', () => {
  let ring: ChangingRing
  let journal: string
  before(async () => {
    ring = await ChangingRing.start({ keys: 1_000 })
    journal = join(dirname(ring.file), '.cachectl/cachectl.yaml/journal')
  })
  after(() => ring.stop())
  afterEach(() => ring.home())

  const fullFrom = (nth: number) => ({ FULL_FROM: String(nth), NODE_OPTIONS: preload('full-disk') })
  const stops = (step: string) =>
    new RegExp(`journal .*: no space left on device \\(ENOSPC\\); the step ${step} was not taken`)

  it('fault-22: the disk is full at the start: exit 6 before the first step, nothing is published, nothing moves', async () => {
    const before = await readFile(ring.file, 'utf8')
    await ring.fails(ring.add(), 6, stops('begin'), fullFrom(1))
    assert.equal((await ring.status()).phase, 'stable')
    assert.equal(await readFile(ring.file, 'utf8'), before)
    assert.equal(await (await ring.servers.connect(2)).call('DBSIZE'), 1) // the token of its lease
    await ring.succeeds(ring.add())
    await ring.assertIntact()
  })

  it('fault-22: in the middle: exit 6 before the step that has no record; resume finishes', async () => {
    // begin, arm, prepare, flip, migrate, drain
    await ring.fails(ring.add(), 6, stops('commit'), fullFrom(7))
    const { phase } = await ring.status()
    assert.equal(phase, 'migrate')
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })

  async function killedInTheMiddle(): Promise<string> {
    const { signal } = await runCli(ring.add(), { env: { CACHECTL_FAILPOINT: 'drain:kill' } })
    assert.equal(signal, 'SIGKILL')
    return readFile(journal, 'latin1')
  }

  it('fault-23: its last record is cut short: left out, with a warning; resume finishes', async () => {
    const text = await killedInTheMiddle()
    await writeFile(journal, text.slice(0, -20), 'latin1')
    const { stderr } = await ring.succeeds(ring.resume())
    assert.match(stderr, /journal: one torn record at its end was left out/)
    await ring.assertIntact()
  })

  it('fault-24: a bit of it has flipped: set aside, with a warning; what is left follows from store and nodes', async () => {
    const text = await killedInTheMiddle()
    const middle = text.lastIndexOf('"step":"prepare"')
    await writeFile(journal, `${text.slice(0, middle)}"step":"prepase"${text.slice(middle + 16)}`, 'latin1')
    const { stderr } = await ring.succeeds(ring.resume())
    assert.match(stderr, /journal record \d+: .*; the journal was set aside as .*journal\.damaged-/)
    await ring.assertIntact()
    assert.equal((await ring.status()).journal.at(-1)?.step, 'end')
  })

  it('fault-25: of another ring: exit 6 with both names, before anything moves', async () => {
    await killedInTheMiddle()
    const own = await readFile(journal, 'latin1')
    const other = await ChangingRing.start({ keys: 10, name: 'other' })
    try {
      await other.succeeds(other.add())
      const foreign = join(dirname(other.file), '.cachectl/cachectl.yaml/journal')
      await writeFile(journal, await readFile(foreign, 'latin1'), 'latin1')
    } finally {
      await other.stop()
    }
    await ring.fails(ring.resume(), 6, /journal .* belongs to ring other, this is ring test/)
    assert.equal((await ring.status()).phase, 'migrate')
    await writeFile(journal, own, 'latin1')
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })
})
