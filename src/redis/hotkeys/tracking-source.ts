/**
 * Invalidations of all keys (CLIENT TRACKING ON BCAST, RESP3) for the length of a burst: names of keys that were written,
 * expired or evicted, and nothing else. The server gathers them for a round of its event loop and tells each name once.
 */
import type { Clock } from '../../clock.js'
import type { SampledCommand } from '../../hotkeys/sampled.js'
import type { BurstSource } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import type { Reply } from '../resp.js'
import { openConnection, type RespConnection } from '../resp-connection.js'
import { sleepUntilAborted } from './burst-wait.js'

const notes = [
  'invalidations, not writes: a key that is written several times in one round of the server’s event loop is told once, so the hottest come out too low',
  'keys that expire or are evicted are counted as well; reads, commands and clients are not seen; all databases together',
]

/** What becomes of the pushes of a node's connection; between bursts nobody listens. */
interface Listener {
  onKeys: ((keys: readonly Buffer[]) => void) | undefined
}

export function createTrackingSource(accesses: readonly NodeAccess[], clock: Clock): BurstSource {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  const open = new Map<string, { connection: RespConnection; listener: Listener }>()
  const connect = async (id: string) => {
    const known = open.get(id)
    if (known && !known.connection.isLost) return known
    const access = byId.get(id)
    if (!access) throw new Error(`no node ${id}`)
    const listener: Listener = { onKeys: undefined }
    const connection = await openConnection(access, { onPush: (items) => hear(listener, items) })
    const opened = { connection, listener }
    open.set(id, opened)
    await connection.call('HELLO', 3)
    return opened
  }
  return {
    name: 'tracking',
    sees: 'writes',
    notes,
    async burst(id, limits) {
      const { connection, listener } = await connect(id)
      const commands: SampledCommand[] = []
      let bytes = 0
      const full = new AbortController()
      listener.onKeys = (keys) => {
        for (const key of keys) {
          if (commands.length >= limits.maxLines || bytes >= limits.maxBytes) return full.abort()
          bytes += key.length
          commands.push({ command: 'write', keys: [key.toString('latin1')], bytes: key.length, client: '' })
        }
      }
      const atMs = clock.nowMs()
      try {
        await connection.call('CLIENT', 'TRACKING', 'ON', 'BCAST')
        await sleepUntilAborted(clock, limits.maxMs, full.signal)
        await connection.call('CLIENT', 'TRACKING', 'OFF')
      } finally {
        listener.onKeys = undefined
      }
      return { node: id, atMs, commands, bytes }
    },
    async close() {
      for (const { connection } of open.values()) connection.close()
      open.clear()
    },
  }
}

function hear({ onKeys }: Listener, [kind, keys]: readonly Reply[]): void {
  // without keys: a whole database was emptied
  if (String(kind) !== 'invalidate' || !Array.isArray(keys)) return
  onKeys?.(keys.filter((key) => Buffer.isBuffer(key)))
}
