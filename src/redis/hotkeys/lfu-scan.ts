/**
 * The server's own popularity counters, read by a walk over the keys: SCAN, and OBJECT FREQ of each key in one write. A
 * counter is logarithmic (0–255) and fades with minutes: it ranks keys by popularity, and tells no rate.
 */
import type { Clock } from '../../clock.js'
import { refused } from '../../errors.js'
import { TopWeights } from '../../hotkeys/top-weights.js'
import type { RankingSource } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import { ReplyError } from '../resp.js'
import { type RespConnection, replyFailure } from '../resp-connection.js'
import { nodeName } from '../socket.js'
import { sleepUntilAborted } from './burst-wait.js'
import { NodeConnections } from './node-connections.js'

export interface LfuScanOptions {
  /** Share of the server's time. */
  readonly budget: number
}

const scanCount = 1_000
const shownKeys = 100
/** SCAN and OBJECT FREQ, of the server's time (measured on Redis 7.0). */
const microsPerKey = 2.4

interface Walk {
  cursor: string
  keyCount: number
  zeroCount: number
  isComplete: boolean
  readonly top: TopWeights
}

/** A walk that was cut off at its time goes on where it was when the node is ranked again. */
export function createLfuScanSource(
  accesses: readonly NodeAccess[],
  clock: Clock,
  { budget }: LfuScanOptions,
): RankingSource {
  const connections = new NodeConnections(accesses)
  const cursors = new Map<string, string>()
  return {
    name: 'lfu',
    async rank(node, { durationMs, signal }) {
      const connection = await connections.of(node)
      const sizeAtStart = Number(await connection.call('DBSIZE'))
      const startedMs = clock.nowMs()
      const walk: Walk = {
        ...{ cursor: cursors.get(node) ?? '0', keyCount: 0, zeroCount: 0, isComplete: false },
        top: new TopWeights(shownKeys),
      }
      const first = walk.cursor
      for (;;) {
        const seen = await step(connection, walk)
        if (walk.cursor === '0') {
          walk.isComplete = first === '0'
          break
        }
        const pauseMs = (seen * microsPerKey) / 1000 / budget
        if (signal.aborted || clock.nowMs() - startedMs + pauseMs >= durationMs) break
        await sleepUntilAborted(clock, pauseMs, signal)
        if (signal.aborted) break
      }
      cursors.set(node, walk.cursor)
      return {
        node,
        source: 'lfu',
        unit: 'popularity',
        keys: walk.top.list(),
        notes: notesOf(walk, sizeAtStart),
      }
    },
    async close() {
      connections.close()
    },
  }
}

/** How many keys it looked at. */
async function step(connection: RespConnection, walk: Walk): Promise<number> {
  const reply = await connection.call('SCAN', walk.cursor, 'COUNT', scanCount)
  const [cursor, found] = Array.isArray(reply) ? reply : []
  const keys = (Array.isArray(found) ? found : []).filter((key) => Buffer.isBuffer(key))
  const counters = await connection.send(keys.map((key) => ['OBJECT', 'FREQ', key]))
  walk.cursor = String(cursor)
  for (const [index, counter] of counters.entries()) {
    if (counter instanceof ReplyError) throw counterError(connection, counter)
    // a key that has gone since has none
    if (typeof counter !== 'number') continue
    walk.keyCount += 1
    if (counter === 0) walk.zeroCount += 1
    else walk.top.offer(keys[index]!.toString('latin1'), counter)
  }
  return keys.length
}

function counterError(connection: RespConnection, error: ReplyError): Error {
  if (!/LFU/.test(error.message)) return replyFailure(connection.access, 'OBJECT FREQ', error)
  return refused(
    `node ${nodeName(connection.access.node)}: it keeps no popularity counters, because its maxmemory-policy is not an LFU one`,
    'Take --source auto.',
  )
}

function notesOf({ keyCount, zeroCount, isComplete }: Walk, size: number): string[] {
  const share = size > 0 ? Math.min(1, keyCount / size) : 1
  return [
    'popularity is a logarithmic counter that fades with minutes, not a rate; keys that are asked for and missing have none',
    'keys that hold the same whole number below 10,000 share one counter where maxmemory is 0',
    ...(isComplete
      ? []
      : [
          `${keyCount.toLocaleString('en')} keys were looked at, ${(100 * share).toFixed(0)} % of them: hot keys among the others are not here`,
        ]),
    ...(keyCount > 0 && zeroCount > keyCount / 2
      ? [
          `${((100 * zeroCount) / keyCount).toFixed(0)} % of the counters are 0: these keys are not in use, or the policy was switched while the server ran, which leaves counters wrong until keys are used again`,
        ]
      : []),
  ]
}
