/**
 * The journal of a ring's changes on this host: one line a step, with a checksum, on disk before the step is taken. It is
 * for people and for `ring status`; what a resumed change does follows from the control store and the nodes alone. So a
 * damaged one is set aside, and the change goes on.
 */
import { constants } from 'node:fs'
import { mkdir, open, rename, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Clock } from '../clock.js'
import { CachectlError, describeError, refused, stopped } from '../errors.js'
import type { JournalPort } from '../operations/ports.js'
import { printable } from '../printable.js'

export interface JournalRecord {
  /** ISO 8601. */
  readonly at: string
  readonly step: string
  readonly details: Readonly<Record<string, string | number>>
}

export interface Journal {
  /** What its first record says; absent for a file that is empty or not there. */
  readonly header?: { readonly schema: string; readonly ring: string }
  /** The steps before any damage. */
  readonly records: readonly JournalRecord[]
  /** The first record that is not what was written, counted from 1, which is the header. */
  readonly damage?: { readonly record: number; readonly why: string }
  /** A last line that a crash cut short was left out. */
  readonly isTorn: boolean
  /** Of all its whole lines. */
  readonly bytes: number
}

export interface JournalOptions {
  readonly ring: string
  readonly clock: Clock
  /** A line for people. */
  readonly warn: (text: string) => void
}

const schema = 'cachectl/journal/v1'
const maxBytes = 2 ** 20
const noFollow = constants.O_NOFOLLOW

/** Appends to the file, which is checked, and made where it is missing, when the first step is recorded. */
export function createJournal(path: string, options: JournalOptions): JournalPort {
  let isReady = false
  return {
    async record(step, details = {}) {
      const record: JournalRecord = { at: new Date(options.clock.wallMs()).toISOString(), step, details }
      try {
        if (!isReady) await makeReady(path, { ...options, isFresh: step === 'begin' })
        isReady = true
        await append(path, record)
      } catch (error) {
        if (error instanceof CachectlError) throw error
        throw stopped(
          `journal ${printable(path)}: ${describeError(error)}; the step ${step} was not taken`,
          'Make room or make the file writable, then `cachectl ring resume`.',
          error,
        )
      }
    },
  }
}

/** After this the file ends with a whole line, and its records are of this ring. */
async function makeReady(path: string, options: JournalOptions & { isFresh: boolean }): Promise<void> {
  const { ring, clock, warn, isFresh } = options
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const journal = await readJournal(path)
  const problem = journal.damage ? undefined : headerProblem(path, journal, ring)
  if (problem)
    throw stopped(problem, 'Move that journal away if this is right, then run the same command again.')
  if (journal.damage) {
    const aside = `${path}.damaged-${new Date(clock.wallMs()).toISOString().replace(/[:.]/g, '')}`
    await rename(path, aside)
    warn(`${describeDamage(journal.damage)}; the journal was set aside as ${printable(aside)}`)
  } else if (isFresh && journal.bytes > maxBytes) await rename(path, `${path}.old`)
  else if (journal.header) {
    if (!journal.isTorn) return
    // a record appended to a torn line would be damaged with it
    await truncate(path, journal.bytes)
    warn(tornWarning)
    return
  } else if (journal.isTorn) await truncate(path, 0)
  await append(path, { schema, ring })
}

async function append(path: string, value: object): Promise<void> {
  const json = JSON.stringify(value)
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | noFollow
  const file = await open(path, flags, 0o600)
  try {
    await file.writeFile(`${checksum(json)} ${json}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

const tornWarning = 'journal: one torn record at its end was left out'

/** What is wrong with a journal, for people; the steps that can be read are there nevertheless. */
export function journalWarnings(path: string, journal: Journal, ring: string): string[] {
  if (journal.damage) return [`${describeDamage(journal.damage)}; the steps before it are shown`]
  const problem = headerProblem(path, journal, ring)
  return [...(problem ? [problem] : []), ...(journal.isTorn ? [tornWarning] : [])]
}

function describeDamage({ record, why }: NonNullable<Journal['damage']>): string {
  return `journal record ${record}: ${why}`
}

function headerProblem(path: string, { header }: Journal, ring: string): string | undefined {
  if (!header) return undefined
  const place = `journal ${printable(path)}`
  if (header.schema !== schema)
    return `${place} is of another version: ${printable(header.schema)}, expected ${schema}`
  if (header.ring === ring) return undefined
  return `${place} belongs to ring ${printable(header.ring)}, this is ring ${printable(ring)}`
}

/** Errors: `refused` for a file that can't be read. An absent file is an empty journal. */
export async function readJournal(path: string): Promise<Journal> {
  const text = await readWhole(path)
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const [first, ...rest] = whole.split('\n').slice(0, -1).map(parseLine)
  const ending = { isTorn: whole.length < text.length, bytes: Buffer.byteLength(whole) }
  if (first === undefined) return { records: [], ...ending }
  if (!first) return { records: [], damage: { record: 1, why: mismatch }, ...ending }
  if (typeof first.schema !== 'string' || typeof first.ring !== 'string')
    return { records: [], damage: { record: 1, why: 'not the header of a journal' }, ...ending }
  const header = { schema: first.schema, ring: first.ring }
  // what another version wrote is not ours to judge
  if (header.schema !== schema) return { header, records: [], ...ending }
  const bad = rest.indexOf(null)
  const records = (bad < 0 ? rest : rest.slice(0, bad)).flatMap((fields) =>
    fields ? [toRecord(fields)] : [],
  )
  return { header, records, ...(bad < 0 ? {} : { damage: { record: bad + 2, why: mismatch } }), ...ending }
}

const mismatch = 'checksum mismatch'

async function readWhole(path: string): Promise<string> {
  try {
    const file = await open(path, constants.O_RDONLY | noFollow)
    try {
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw refused(`journal ${printable(path)}: ${describeError(error)}`, undefined, error)
  }
}

/** null: not what was written. */
function parseLine(line: string): Readonly<Record<string, unknown>> | null {
  const json = line.slice(9)
  return line.slice(0, 8) === checksum(json) ? (JSON.parse(json) as Record<string, unknown>) : null
}

function toRecord({ at, step, details }: Readonly<Record<string, unknown>>): JournalRecord {
  return { at: String(at), step: String(step), details: (details ?? {}) as JournalRecord['details'] }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
