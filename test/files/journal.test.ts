import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { systemClock } from '../../src/clock.js'
import { createJournal, journalWarnings, readJournal } from '../../src/files/journal.js'

describe('the journal', () => {
  let directory: string
  let path: string
  let warnings: string[]
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    path = join(directory, 'state', 'journal')
    warnings = []
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const open = (ring = 'sessions') =>
    createJournal(path, { ring, clock: systemClock, warn: (text) => warnings.push(text) })
  const line = (value: object) => {
    const json = JSON.stringify(value)
    return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
  }
  const steps = async () => (await readJournal(path)).records.map(({ step }) => step)
  /** Steps `begin`, `s1`, `s2`, … of one change. */
  const write = async (count: number) => {
    const journal = open()
    for (let index = 0; index < count; index++) await journal.record(index === 0 ? 'begin' : `s${index}`)
  }

  it('begins with its version and its ring, and is its owner’s alone', async () => {
    await open().record('begin', { token: 4, after: 'n1 n2' })
    const { header, records, isTorn, damage } = await readJournal(path)
    assert.deepEqual(header, { schema: 'cachectl/journal/v1', ring: 'sessions' })
    assert.deepEqual(
      records.map(({ step, details }) => [step, details]),
      [['begin', { token: 4, after: 'n1 n2' }]],
    )
    assert.deepEqual([isTorn, damage], [false, undefined])
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(join(directory, 'state'))).mode & 0o777, 0o700)
  })

  it('is gone on with by the next operator', async () => {
    await write(2)
    await open().record('resume')
    assert.deepEqual(await steps(), ['begin', 's1', 'resume'])
    assert.deepEqual(warnings, [])
  })

  it('that is not there, or empty, has no steps', async () => {
    assert.deepEqual(await readJournal(path), { records: [], isTorn: false, bytes: 0 })
    await write(1)
    await writeFile(path, '')
    await open().record('begin')
    assert.deepEqual(await steps(), ['begin'])
  })

  it('of another ring is refused: both are named', async () => {
    await write(1)
    const before = await readFile(path)
    await assert.rejects(open('carts').record('begin'), {
      exitCode: 6,
      message: `journal ${path} belongs to ring sessions, this is ring carts`,
    })
    assert.deepEqual(await readFile(path), before)
    assert.deepEqual(journalWarnings(path, await readJournal(path), 'carts'), [
      `journal ${path} belongs to ring sessions, this is ring carts`,
    ])
  })

  it('of a newer version is refused: both are named', async () => {
    await write(1)
    await writeFile(path, line({ schema: 'cachectl/journal/v2', ring: 'sessions' }) + line({ new: 1 }))
    await assert.rejects(open().record('resume'), {
      exitCode: 6,
      message: `journal ${path} is of another version: cachectl/journal/v2, expected cachectl/journal/v1`,
    })
    assert.deepEqual(await steps(), [])
  })

  it('with a damaged record tells the steps before it, is set aside, and a new one begins', async () => {
    await write(30)
    const lines = (await readFile(path, 'utf8')).split('\n')
    lines[16] = lines[16]!.replace('"s', '"S')
    await writeFile(path, lines.join('\n'))
    const journal = await readJournal(path)
    assert.deepEqual(journal.damage, { record: 17, why: 'checksum mismatch' })
    assert.equal(journal.records.at(-1)?.step, 's14')
    assert.deepEqual(journalWarnings(path, journal, 'sessions'), [
      'journal record 17: checksum mismatch; the steps before it are shown',
    ])

    await open().record('resume')
    assert.deepEqual(await steps(), ['resume'])
    assert.match(
      warnings.join(),
      /^journal record 17: checksum mismatch; the journal was set aside as .*journal\.damaged-\d/,
    )
    const aside = (await readdir(join(directory, 'state'))).find((name) => name.includes('damaged'))
    assert.equal(await readFile(join(directory, 'state', aside!), 'utf8'), lines.join('\n'))
  })

  it('that something else was written over is set aside too', async () => {
    await write(1)
    for (const text of ['not a journal\n', line({ at: 'x', step: 'begin' }), '\n']) {
      await writeFile(path, text)
      await open().record('resume')
      assert.deepEqual(await steps(), ['resume'])
    }
    assert.equal(warnings.length, 3)
  })

  for (const cutBytes of [1, 5, 40]) {
    it(`torn ${cutBytes} bytes before its end loses its last record only, also when it is gone on with`, async () => {
      await write(3)
      const text = await readFile(path)
      await writeFile(path, text.subarray(0, text.length - cutBytes))
      const journal = await readJournal(path)
      assert.deepEqual([journal.isTorn, journal.damage], [true, undefined])
      assert.deepEqual(await steps(), ['begin', 's1'])
      await open().record('resume')
      await open().record('end')
      assert.deepEqual(await steps(), ['begin', 's1', 'resume', 'end'])
      assert.deepEqual(warnings, ['journal: one torn record at its end was left out'])
      assert.equal((await readJournal(path)).isTorn, false)
    })
  }

  it('torn in its header begins anew', async () => {
    await write(1)
    await writeFile(path, '1234')
    await open().record('begin')
    assert.deepEqual(await steps(), ['begin'])
  })

  it('above a mebibyte makes room when a fresh change begins, not in the middle of one', async () => {
    await write(1)
    const filler = line({ at: '', step: 'filler', details: { text: 'x'.repeat(2 ** 20) } })
    await appendFile(path, filler)
    await open().record('resume')
    assert.deepEqual(await steps(), ['begin', 'filler', 'resume'])
    await open().record('begin')
    assert.deepEqual(await steps(), ['begin'])
    assert.deepEqual((await readdir(join(directory, 'state'))).sort(), ['journal', 'journal.old'])
  })

  it('does not follow a link', async () => {
    await write(1)
    const elsewhere = join(directory, 'elsewhere')
    await writeFile(elsewhere, '')
    await rm(path)
    await symlink(elsewhere, path)
    await assert.rejects(open().record('begin'), { exitCode: 5, message: /journal .*symbolic links/ })
    assert.equal(await readFile(elsewhere, 'utf8'), '')
  })
})
