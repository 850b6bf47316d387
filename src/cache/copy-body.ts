/**
 * What stands under the name of a key's copy, after the mark and the stamp that its server sets:
 *
 *   C · stamp of the original, 16 digits · life left of the original at the fill, ms, 8 bytes · life of the copy, ms, 4 bytes
 *   · what the cache has put under the original
 *
 * Numbers are big-endian, a life without an end is infinity as a double. The rest of the original's life is told by the
 * server of the copy alone: what it had, less what the copy's own life has lost.
 */
import type { StoredValue } from './ports.js'

/** No copy is older: its lease is at most so long, and then its life. */
export const copyLifeMs = 500

const mark = 'C'.charCodeAt(0)
const stampEnd = 17
const lifeAt = stampEnd + 8
const headBytes = lifeAt + 4

/** What the copy of a value is filled with. */
export function encodeCopy({ stamp, leftMs, body }: StoredValue): {
  readonly body: Buffer
  readonly ttlMs: number
} {
  const ttlMs = Math.max(1, Math.min(copyLifeMs, Math.floor(leftMs)))
  const head = Buffer.alloc(headBytes)
  head[0] = mark
  head.write(stamp, 1, 'latin1')
  head.writeDoubleBE(leftMs, stampEnd)
  head.writeUInt32BE(ttlMs, lifeAt)
  return { body: Buffer.concat([head, body]), ttlMs }
}

/** The original, as far as it is alive; undefined: it is not, or this is no copy. */
export function decodeCopy({ body, leftMs }: StoredValue): StoredValue | undefined {
  if (body.length < headBytes || body[0] !== mark) return undefined
  const pastMs = Math.max(0, body.readUInt32BE(lifeAt) - leftMs)
  const originalMs = body.readDoubleBE(stampEnd) - pastMs
  if (!(originalMs > 0)) return undefined
  return {
    stamp: body.toString('latin1', 1, stampEnd),
    body: body.subarray(headBytes),
    leftMs: originalMs,
    isPending: false,
  }
}
