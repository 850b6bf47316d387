/** How a cache's values become bytes and values again. */

/** `id` stands beside each value, so that what another codec wrote is loaded anew instead of misread; 64 to 255 are free. */
export interface Codec<V> {
  readonly id: number
  encode(value: V): Uint8Array
  /** Throws on bytes that it did not write. */
  decode(bytes: Buffer): V
}

/** The default: what JSON can say. */
export function jsonCodec<V>(): Codec<V> {
  return {
    id: 1,
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes): V => JSON.parse(bytes.toString()),
  }
}
