/**
 * The journal of a change: one line a step, with a checksum, on disk before the step is taken. It is for people and for
 * `ring status`; what a resumed change does follows from the control store and the nodes alone.
 */
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Clock } from '../clock.js'
import { describeError, refused, stopped } from '../errors.js'
import type { JournalPort } from '../operations/ports.js'
import { printable } from '../printable.js'

export interface JournalRecord {
  /** ISO 8601. */
  readonly at: string
  readonly step: string
  readonly details: Readonly<Record<string, string | number>>
}

/** Appends to the file, which is made when the first step is recorded. */
export function createJournal(path: string, clock: Clock): JournalPort {
  return {
    async record(step, details = {}) {
      const record: JournalRecord = { at: new Date(clock.wallMs()).toISOString(), step, details }
      const json = JSON.stringify(record)
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        const file = await open(path, 'a', 0o600)
        try {
          await file.writeFile(`${checksum(json)} ${json}\n`)
          await file.sync()
        } finally {
          await file.close()
        }
      } catch (error) {
        throw stopped(
          `journal ${printable(path)}: ${describeError(error)}; the step ${step} was not taken`,
          'Make room or make the file writable, then `cachectl ring resume`.',
          error,
        )
      }
    },
  }
}

export interface Journal {
  readonly records: readonly JournalRecord[]
  /** A last line that a crash cut short was left out. */
  readonly isTorn: boolean
}

/** Errors: `refused` for a line that is damaged and not the last. An absent file is an empty journal. */
export async function readJournal(path: string): Promise<Journal> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { records: [], isTorn: false }
    throw refused(`journal ${printable(path)}: ${describeError(error)}`, undefined, error)
  }
  const lines = text.split('\n')
  const rest = lines.pop()
  const records = lines.map((line, index) => {
    const json = line.slice(9)
    if (line.slice(0, 8) !== checksum(json)) {
      throw refused(
        `journal ${printable(path)}: record ${index + 1}: checksum mismatch`,
        'Something else wrote into it.',
      )
    }
    return JSON.parse(json) as JournalRecord
  })
  return { records, isTorn: rest !== '' }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
