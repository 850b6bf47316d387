/**
 * The control store of one host: a folder with the state, the lease and a file a client.
 * A lease belongs to a process and ends with it: on one host, death can be proved.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClientRecord, ControlStore, Lease, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import { isAlive, ownIdentity, type ProcessIdentity } from '../process-identity.js'
import type { RingState } from '../ring/epoch.js'
import { makePrivateFolder, readIfThere, withLock, writeDurably } from './durable-file.js'
import { parseClient, parseFields, parseState } from './records.js'
import { watchByPolling } from './watch-by-polling.js'

interface LeaseRecord {
  readonly token: number
  readonly holder?: string
  readonly owner?: ProcessIdentity
}

/** Makes the folder (0700) when it is first written to. */
export function createFileStore(directory: string, clock: Clock): ControlStore {
  const at = (name: string) => join(directory, name)
  const clientPath = (id: string) => join(directory, 'clients', `${encodeURIComponent(id)}.json`)
  const noticePath = (notice: string) => join(directory, 'notices', encodeURIComponent(notice))
  const locked = async <T>(body: () => Promise<T>): Promise<T> => {
    await makePrivateFolder(directory)
    return withLock(at('lock'), clock, body)
  }
  const writeNotice = async (notice: string, text: string | undefined) => {
    if (text === undefined) return rm(noticePath(notice), { force: true })
    await makePrivateFolder(at('notices'))
    await writeDurably(noticePath(notice), text)
  }
  const load = async (): Promise<StoredState | undefined> => {
    const text = await readIfThere(at('state.json'))
    return text === undefined ? undefined : parseState(text, at('state.json'))
  }
  const readLease = async (): Promise<LeaseRecord> => {
    const text = await readIfThere(at('lease.json'))
    return text === undefined ? { token: 0 } : parseLease(text, at('lease.json'))
  }
  const endLease = async (token: number) =>
    locked(async () => {
      if ((await readLease()).token === token) await writeDurably(at('lease.json'), JSON.stringify({ token }))
    })

  return {
    name: directory,
    load,
    async compareAndSwap(expected: StoredState | undefined, next: RingState) {
      return locked(async () => {
        const current = await load()
        if (current?.revision !== expected?.revision) return undefined
        const stored = { revision: String(Number(current?.revision ?? 0) + 1), state: next }
        await writeDurably(at('state.json'), `${JSON.stringify(stored)}\n`)
        return stored
      })
    },
    watch: (signal) => watchByPolling(load, clock, signal),
    async acquireLease(holder): Promise<Lease> {
      return locked(async () => {
        const { token: last, holder: other, owner } = await readLease()
        if (owner && (await isAlive(owner))) {
          throw refused(
            `the ring is being changed by ${printable(other ?? '')} (${printable(directory)})`,
            'Wait until it has ended; `cachectl ring status` shows how far it is.',
          )
        }
        const token = last + 1
        const record: LeaseRecord = { token, holder, owner: await ownIdentity() }
        await writeDurably(at('lease.json'), JSON.stringify(record))
        return {
          token,
          renew: async () => {
            const now = await readLease()
            return now.token === token && now.owner !== undefined
          },
          release: () => endLease(token),
        }
      })
    },
    async leaseHolder() {
      const { owner, holder = '' } = await readLease()
      return owner && (await isAlive(owner)) ? holder : undefined
    },
    async putClient(client: ClientRecord) {
      await makePrivateFolder(directory)
      await makePrivateFolder(at('clients'))
      await writeDurably(clientPath(client.id), JSON.stringify(client))
    },
    removeClient: (id) => rm(clientPath(id), { force: true }),
    async clients() {
      const names = await listFolder(at('clients'))
      const found = await Promise.all(
        names
          .filter((name) => name.endsWith('.json'))
          .map(async (name) => {
            const path = join(directory, 'clients', name)
            const text = await readIfThere(path)
            return text === undefined ? [] : [parseClient(text, path)]
          }),
      )
      return found.flat()
    },
    putNotice: (notice, text) => locked(() => writeNotice(notice, text)),
    replaceNotice: (notice, expected, text) =>
      locked(async () => {
        if ((await readIfThere(noticePath(notice))) !== expected) return false
        await writeNotice(notice, text)
        return true
      }),
    notice: (notice) => readIfThere(noticePath(notice)),
    close: async () => {},
  }
}

function parseLease(text: string, path: string): LeaseRecord {
  const { token, holder, owner } = parseFields(text, path, 'a lease')
  if (!Number.isSafeInteger(token)) throw refused(`control store ${printable(path)}: a lease without a token`)
  if (typeof owner !== 'object' || owner === null) return { token: Number(token) }
  return { token: Number(token), holder: String(holder), owner: owner as ProcessIdentity }
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
