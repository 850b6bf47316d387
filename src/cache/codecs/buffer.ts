import type { Codec } from '../codec.js'

/** Bytes as they are. What a reader gets is shared with L1 and with other readers: copy it before changing it. */
export function bufferCodec(): Codec<Buffer> {
  return {
    id: 3,
    encode(value) {
      if (!(value instanceof Uint8Array)) throw new TypeError(`it is no Buffer but a ${typeof value}`)
      return value
    },
    decode: (bytes) => bytes,
  }
}
