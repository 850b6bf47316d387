/** How a cache's values become bytes and values again. The codecs are in codecs/. */
import { invalid } from '../errors.js'

/**
 * `id` (1 to 127) stands beside each value, so that what another codec wrote is loaded anew instead of misread: a change of
 * codec needs no flush. 64 to 127 are free for codecs of your own; 128 and more are those of `compressed`.
 */
export interface Codec<V> {
  readonly id: number
  /** Throws on a value that it can't write. */
  encode(value: V): Uint8Array
  /** Throws on bytes that it did not write. */
  decode(bytes: Buffer): V
}

/** Added to the id of a codec by `compressed`. */
export const compressedId = 128

/** Errors: `invalid`. */
export function checkCodecId(id: number, mostId: number): void {
  if (Number.isInteger(id) && id >= 1 && id <= mostId) return
  throw invalid(
    `codec: its id is ${id}`,
    `An id is a whole number from 1 to ${mostId}; 64 to 127 are free for codecs of your own.`,
  )
}
