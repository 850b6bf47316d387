/** What servers' settings were before a run changed them: a file a node, there for as long as they are changed. */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { describeError, refused } from '../errors.js'
import type { SettingsLedger } from '../operations/hotkeys/server-settings.js'
import { printable } from '../printable.js'
import { isAlive, ownIdentity, type ProcessIdentity } from '../process-identity.js'

const settings = v.record(v.string(), v.string())
const shape = v.object({
  schema: v.literal('cachectl/borrowed-settings/v1'),
  owner: v.object({ pid: v.number(), startTime: v.string() }),
  before: settings,
  during: settings,
})

/** `owner`: the process that has the settings while it is alive. */
export async function openSettingsLedger(
  directory: string,
  owner?: ProcessIdentity,
): Promise<SettingsLedger> {
  const mine = owner ?? (await ownIdentity())
  const pathOf = (node: string) => join(directory, `${encodeURIComponent(node)}.settings.json`)
  return {
    async leftover(node) {
      const path = pathOf(node)
      const text = await readIfThere(path)
      if (text === undefined) return undefined
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), shape), text)
      if (!parsed.success)
        throw refused(
          `${printable(path)} does not say which settings of node ${printable(node)} a run changed`,
          'Look at the settings of the server, then remove the file.',
        )
      const { before, during, owner: other } = parsed.output
      if (await isAlive(other))
        throw refused(
          `node ${printable(node)}: another run (pid ${other.pid}) has changed its settings for a while`,
          'Wait until it has ended.',
        )
      return { before, during }
    },
    async write(node, { before, during }) {
      const { default: writeFileAtomic } = await import('write-file-atomic')
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const text = JSON.stringify({ schema: 'cachectl/borrowed-settings/v1', owner: mine, before, during })
      await writeFileAtomic(pathOf(node), `${text}\n`, { mode: 0o600 })
    },
    remove: (node) => rm(pathOf(node), { force: true }),
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw refused(`${printable(path)}: ${describeError(error)}`, undefined, error)
  }
}
