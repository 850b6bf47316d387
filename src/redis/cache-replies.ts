/** What the scripts of cache-scripts.ts say about a key, as the cache knows it. */
import type { L2Found, StoredValue, TagVersion, Vouch } from '../cache/ports.js'
import type { Answer } from './command-router.js'
import type { Reply } from './resp.js'
import { TrackedConnection } from './tracked-connection.js'

const marks = { leased: 1, busy: 2, marked: 3 } as const
const stampEnd = 17
/** First bytes of what stands under a cache's key (cache-scripts.ts). */
export const keyMark = { lease: 76, pending: 68, value: 86, writer: 87 } as const

export function foundOf(first: Reply, second: Reply, vouch: Vouch | undefined): L2Found {
  if (Buffer.isBuffer(first)) return { kind: 'value', value: storedOf(first, Number(second)), vouch }
  if (first === marks.leased) return { kind: 'leased', vouch }
  if (first === marks.busy)
    return { kind: 'busy', leftMs: Math.max(0, Number(second)), isTold: vouch !== undefined }
  return first === marks.marked ? { kind: 'marked' } : { kind: 'absent' }
}

function storedOf(bytes: Buffer, pttl: number): StoredValue {
  return {
    stamp: bytes.toString('latin1', 1, stampEnd),
    body: bytes.subarray(stampEnd),
    leftMs: pttl < 0 ? Number.POSITIVE_INFINITY : pttl,
    isPending: bytes[0] === keyMark.pending,
  }
}

/** `isTold`: as it was asked. */
export function vouchOf({ connection }: Pick<Answer, 'connection'>, isTold?: boolean): Vouch | undefined {
  return connection instanceof TrackedConnection ? connection.vouchFor(isTold) : undefined
}

export function tagVersionsOf(answer: Answer, vouch: Vouch | undefined): TagVersion[] {
  const replies = arrayOf(answer)
  return Array.from({ length: replies.length / 2 }, (_, index) => {
    const ageUs = Number(String(replies[2 * index + 1]))
    const ageMs = ageUs < 0 ? Number.POSITIVE_INFINITY : ageUs / 1000
    return { version: String(replies[2 * index]), ageMs, vouch }
  })
}

export function arrayOf({ reply }: Answer): Reply[] {
  if (!Array.isArray(reply)) throw new Error('a script answered something else than a list')
  return reply
}
