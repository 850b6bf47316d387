import type { Codec } from '../codec.js'

/**
 * The default: what JSON can say (RFC 8259). Of an object it leaves out functions and undefined, and a Date comes back as
 * a text; a BigInt, or a value that is nothing but undefined, a function or a symbol, is an error.
 */
export function jsonCodec<V>(): Codec<V> {
  return {
    id: 1,
    encode(value) {
      const text: string | undefined = JSON.stringify(value)
      if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`)
      return Buffer.from(text)
    },
    decode: (bytes): V => JSON.parse(bytes.toString()),
  }
}
