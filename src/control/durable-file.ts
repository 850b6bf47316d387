/** Files that are whole after a crash at any moment, and a lock that a dead process does not keep. */
import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import { isAlive, ownIdentity, type ProcessIdentity } from '../process-identity.js'

/** Old or new, never half: a new file, synced, renamed over the old one, and the folder synced. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = await writeBeside(path, text, { isSynced: true })
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** undefined when there is no such file. A link is refused: nobody but us writes in our folders. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    if (isCode(error, 'ELOOP'))
      throw refused(`${printable(path)} is a link, expected a file`, 'Remove the link.')
    throw error
  }
}

/** Makes a folder that is its owner's alone. One that others may write to is refused: they could put anything there. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if ((await stat(path)).mode & 0o022)
    throw refused(`folder ${printable(path)} can be written to by others`, 'chmod 700 the folder.')
}

const lockTimeoutMs = 10_000

/** Runs `body` while no other process does. The lock of a process that has died is taken over. */
export async function withLock<T>(path: string, clock: Clock, body: () => Promise<T>): Promise<T> {
  // told apart from every other lock, also of this process
  const mine = JSON.stringify({ ...(await ownIdentity()), id: randomUUID() })
  const startedMs = clock.nowMs()
  while (!(await tryLock(path, mine))) {
    const holder = await readIfThere(path)
    if (holder !== undefined && !(await isAlive(parseIdentity(holder)))) await breakLock(path, holder, clock)
    else if (clock.nowMs() - startedMs > lockTimeoutMs) {
      throw refused(
        `${printable(path)} is locked by pid ${parseIdentity(holder ?? '{}').pid}`,
        'Try again when it has ended.',
      )
    } else await clock.sleep(2 + (clock.nowMs() % 5))
  }
  try {
    return await body()
  } finally {
    await rm(path, { force: true })
  }
}

/** A link appears with its content, or not at all; after a crash of the host nobody needs it. */
async function tryLock(path: string, identity: string): Promise<boolean> {
  const temporary = await writeBeside(path, identity, { isSynced: false })
  try {
    await link(temporary, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/**
 * Removes a dead holder's lock. Two who found it dead must not both remove what they find: the second would remove the
 * lock that somebody took in between. So it is removed under a lock of its own, which is broken likewise.
 */
async function breakLock(path: string, dead: string, clock: Clock): Promise<void> {
  const name = createHash('sha256').update(dead).digest('hex').slice(0, 16)
  await withLock(`${path}.${name}`, clock, async () => {
    if ((await readIfThere(path)) === dead) await rm(path, { force: true })
  })
}

async function writeBeside(path: string, text: string, { isSynced }: { isSynced: boolean }): Promise<string> {
  const temporary = `${path}.${randomUUID()}.tmp`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    if (isSynced) await file.sync()
  } finally {
    await file.close()
  }
  return temporary
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** What is no identity is nobody's, and nobody is not alive. */
function parseIdentity(text: string): ProcessIdentity {
  try {
    const { pid, startTime } = JSON.parse(text) as Partial<ProcessIdentity>
    return { pid: Number(pid), startTime: String(startTime) }
  } catch {
    return { pid: 0, startTime: '' }
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
