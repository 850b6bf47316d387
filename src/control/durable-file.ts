/** Files that are whole after a crash at any moment, and a lock that a dead process does not keep. */
import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import { isAlive, ownIdentity, type ProcessIdentity } from '../process-identity.js'

/** Old or new, never half: a new file, synced, renamed over the old one, and the folder synced. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = await writeBeside(path, text)
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

const lockTimeoutMs = 10_000

/** Runs `body` while no other process does. The lock of a process that has died is taken over. */
export async function withLock<T>(path: string, clock: Clock, body: () => Promise<T>): Promise<T> {
  const mine = JSON.stringify(await ownIdentity())
  const startedMs = clock.nowMs()
  while (!(await tryLock(path, mine))) {
    const holder = await readIfThere(path)
    if (holder !== undefined && !(await isAlive(parseIdentity(holder)))) await breakLock(path, holder)
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

/** A link appears with its content, or not at all. */
async function tryLock(path: string, identity: string): Promise<boolean> {
  const temporary = await writeBeside(path, identity)
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

/** Moves the dead holder's lock aside; when it was somebody else's new one by then, it is put back. */
async function breakLock(path: string, dead: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return
    throw error
  }
  if ((await readFile(aside, 'utf8')) !== dead) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

async function writeBeside(path: string, text: string): Promise<string> {
  const temporary = `${path}.${randomUUID()}.tmp`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
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

function parseIdentity(text: string): ProcessIdentity {
  const { pid, startTime } = JSON.parse(text) as Partial<ProcessIdentity>
  return { pid: Number(pid), startTime: String(startTime) }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
