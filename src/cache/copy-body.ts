/** What stands in a split key's copy, after the mark and the stamp of its own fill: the stamp of the original, and its body. */
import type { StoredValue } from './ports.js'

const stampBytes = 16
/** Of a copy, at its own node; nobody who knows of the copies or not has to wait longer for a write to be seen. */
export const copyLifeMs = 500

export function copyBody({ stamp, body }: Pick<StoredValue, 'stamp' | 'body'>): Buffer {
  return Buffer.concat([Buffer.from(stamp, 'latin1'), body])
}

/** undefined: not written by this library. */
export function originalOf(copy: Buffer): Pick<StoredValue, 'stamp' | 'body'> | undefined {
  if (copy.length < stampBytes) return undefined
  return { stamp: copy.toString('latin1', 0, stampBytes), body: copy.subarray(stampBytes) }
}
