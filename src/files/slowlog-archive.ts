/** Entries of servers' slow logs as JSON lines, appended. They may hold values: the file is its owner's alone. */
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describeError, stopped } from '../errors.js'
import type { SlowlogArchive } from '../operations/hotkeys/server-settings.js'
import { printable } from '../printable.js'

/** Each line: node, id, at (ISO 8601), micros, args (latin1), client, clientName. */
export function openSlowlogArchive(path: string): SlowlogArchive {
  return {
    place: printable(path),
    async append(node, entries) {
      const lines = entries.map(({ atSeconds, ...entry }) =>
        JSON.stringify({ node, at: new Date(atSeconds * 1000).toISOString(), ...entry }),
      )
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
        const file = await open(path, flags, 0o600)
        try {
          await file.writeFile(lines.map((line) => `${line}\n`).join(''))
          await file.sync()
        } finally {
          await file.close()
        }
      } catch (error) {
        throw stopped(
          `slow log archive ${printable(path)}: ${describeError(error)}`,
          'Make the file writable, or name another one.',
          error,
        )
      }
    },
  }
}
