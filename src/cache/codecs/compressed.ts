/**
 * A codec whose larger values are compressed. Before the bytes stands a mark: how they are compressed, if at all. So every
 * compressed codec reads what another one with the same inner codec wrote, whatever its algorithm and its limit.
 */
import * as zlib from 'node:zlib'
import { invalid } from '../../errors.js'
import { type Codec, checkCodecId, compressedId } from '../codec.js'

export type Compression = 'brotli' | 'gzip' | 'deflate'

export interface CompressedOptions {
  /** Values whose encoded form is larger than this are compressed. Default 1,024. */
  readonly aboveBytes?: number
  /**
   * Default `deflate`: on JSON of some kB the least CPU. `brotli` is about 10 % smaller, for two to three times the CPU of
   * writing; it has no checksum.
   */
  readonly algorithm?: Compression
  /** What unpacks to more than this is an error, not memory; larger values are stored as they are. Default 64 MiB. */
  readonly maxBytes?: number
}

interface Method {
  readonly mark: number
  pack(bytes: Uint8Array): Buffer
  unpack(bytes: Buffer, maxBytes: number): Buffer
}

const plainMark = 0
/** Beyond it deflate takes twice the time for a few per cent. */
const level = 3
const brotliQuality = 4

const methods: Readonly<Record<Compression, Method>> = {
  brotli: {
    mark: 1,
    pack: (bytes) =>
      zlib.brotliCompressSync(bytes, {
        params: {
          [zlib.constants.BROTLI_PARAM_QUALITY]: brotliQuality,
          [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      }),
    unpack: (bytes, maxOutputLength) => zlib.brotliDecompressSync(bytes, { maxOutputLength }),
  },
  gzip: {
    mark: 2,
    pack: (bytes) => zlib.gzipSync(bytes, { level }),
    unpack: (bytes, maxOutputLength) => zlib.gunzipSync(bytes, { maxOutputLength }),
  },
  deflate: {
    mark: 3,
    pack: (bytes) => zlib.deflateSync(bytes, { level }),
    unpack: (bytes, maxOutputLength) => zlib.inflateSync(bytes, { maxOutputLength }),
  },
}

/** Errors: `invalid` for options out of range and a codec that is compressed already. */
export function compressed<V>(inner: Codec<V>, options: CompressedOptions = {}): Codec<V> {
  const { aboveBytes = 1_024, algorithm = 'deflate', maxBytes = 64 * 1024 * 1024 } = options
  checkCodecId(inner.id, compressedId - 1)
  const method = methods[algorithm]
  if (!method) throw invalid(`compressed: there is no algorithm ${JSON.stringify(algorithm)}`)
  if (!(aboveBytes >= 0)) throw invalid('compressed: aboveBytes is a number of bytes, at least 0')
  if (!(Number.isInteger(maxBytes) && maxBytes >= 1))
    throw invalid('compressed: maxBytes is a whole number of bytes, at least 1')
  return {
    id: compressedId + inner.id,
    encode(value) {
      const bytes = inner.encode(value)
      if (bytes.length > aboveBytes && bytes.length <= maxBytes) {
        const packed = method.pack(bytes)
        if (packed.length < bytes.length) return marked(method.mark, packed)
      }
      return marked(plainMark, bytes)
    },
    decode(bytes) {
      const rest = bytes.subarray(1)
      if (bytes[0] === plainMark) return inner.decode(rest)
      const packedBy = Object.values(methods).find(({ mark }) => mark === bytes[0])
      if (!packedBy) throw new Error(`it is compressed in an unknown way (${bytes[0]})`)
      return inner.decode(packedBy.unpack(rest, maxBytes))
    },
  }
}

function marked(mark: number, bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(1 + bytes.length)
  out[0] = mark
  out.set(bytes, 1)
  return out
}
