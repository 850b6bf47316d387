/**
 * Invalidations of all keys (CLIENT TRACKING ON BCAST, RESP3) for the length of a burst: names of keys that were written,
 * expired or evicted, and nothing else. The server gathers them for a round of its event loop and tells each name once.
 * Under the watchdog's eyes, because the server keeps for us what we do not read.
 */
import type { Clock } from '../../clock.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { SampledCommand } from '../../hotkeys/sampled.js'
import type { NodeAccess } from '../../operations/ports.js'
import type { Reply } from '../resp.js'
import { openConnection, type RespConnection } from '../resp-connection.js'
import { BurstGuard, type WatchedSource } from './burst-guard.js'
import { sleepUntilAborted } from './burst-wait.js'
import type { Watchdog } from './watchdog.js'

const notes = [
  'invalidations, not writes: a key that is written several times in one round of the server’s event loop is told once, so the hottest come out too low',
  'keys that expire or are evicted are counted as well; reads, commands and clients are not seen; all databases together',
]

/** What becomes of the pushes of a node's connection; between bursts nobody listens. */
interface Listener {
  onKeys: ((keys: readonly Buffer[]) => void) | undefined
}

interface Opened {
  readonly connection: RespConnection
  readonly listener: Listener
  /** The connection, as its node calls it. */
  readonly client: number
}

export function createTrackingSource(
  accesses: readonly NodeAccess[],
  { watchdog, clock }: { watchdog: Watchdog; clock: Clock },
): WatchedSource {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  const facts = new Map<string, NodeFacts>()
  const open = new Map<string, Opened>()
  const guard = new BurstGuard(watchdog, clock)
  const connect = async (access: NodeAccess): Promise<Opened> => {
    const { id } = access.node
    const known = open.get(id)
    if (known && !known.connection.isLost) return known
    const listener: Listener = { onKeys: undefined }
    const connection = await openConnection(access, { onPush: (items) => hear(listener, items) })
    try {
      await connection.call('HELLO', 3)
      const opened = {
        connection,
        listener,
        client: Number(await guard.timed(id, connection.call('CLIENT', 'ID'))),
      }
      open.set(id, opened)
      return opened
    } catch (error) {
      connection.close()
      throw error
    }
  }
  return {
    name: 'tracking',
    sees: 'writes',
    notes,
    expect: (known) => facts.set(known.node, known),
    async burst(id, limits) {
      const access = byId.get(id)
      const known = facts.get(id)
      if (!access || !known) throw new Error(`nothing is known of node ${id}`)
      const { connection, listener, client } = await connect(access)
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
      // where reads are most of it, writes take all the time there is to fill a burst
      const allTime = { ...limits, maxLines: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }
      try {
        await guard.run(access, { facts: known, limits: allTime, client }, async () => {
          await guard.timed(id, connection.call('CLIENT', 'TRACKING', 'ON', 'BCAST'))
          await sleepUntilAborted(clock, limits.maxMs, full.signal)
          await connection.call('CLIENT', 'TRACKING', 'OFF')
        })
      } catch (error) {
        // ended by the watchdog or a suspension, the burst is over; that a node is gone is told by the next look at it
        if (!connection.isLost) throw error
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
