/** The door `cachectl/msgpack`: apart from the main door, so that only those who want it load it. */
import { Decoder, encode } from '@msgpack/msgpack'
import type { Codec } from '../codec.js'
import { checkShape } from './message-pack-shape.js'

/**
 * MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): smaller than JSON, knows bytes (they come back as
 * Uint8Array) and Date. Of an object it leaves out undefined, as JSON does; functions, symbols and BigInt are an error,
 * and so are more than 100 levels.
 */
export function messagePackCodec<V>(): Codec<V> {
  const decoder = new Decoder()
  return {
    id: 2,
    encode(value) {
      if (value === undefined) throw new TypeError('MessagePack has no undefined')
      return encode(value, { ignoreUndefined: true })
    },
    decode(bytes): V {
      checkShape(bytes)
      // it throws on anything that is not one whole object; which type that is, its writer knows
      return decoder.decode(bytes) as V
    },
  }
}
