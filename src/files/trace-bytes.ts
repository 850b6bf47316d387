/** A file's bytes, unpacked where its content is gzip: the name says nothing, and a pipe has none. */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { describeError, invalid } from '../errors.js'
import { printable } from '../printable.js'

const chunkBytes = 2 ** 18
const gzipMagic = [0x1f, 0x8b]
const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd]

/**
 * `what`: how messages call it. The path `-` is standard input.
 * Errors: `invalid` for a file that cannot be read, ends in the middle of its gzip data or is packed otherwise.
 */
export async function* readUnpacked(path: string, what = 'trace'): AsyncGenerator<Buffer> {
  const file = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: chunkBytes })
  const chunks: AsyncIterator<Buffer> = file[Symbol.asyncIterator]()
  try {
    const first = await chunks.next()
    if (first.done) return
    if (startsWith(first.value, zstdMagic))
      throw invalid(
        `${what} ${printable(path)}: it is packed with zstd`,
        `Unpack it first: zstd -d ${printable(path)}, or pass <(zstd -dc ${printable(path)}) as the file.`,
      )
    const all = chain(first.value, chunks)
    yield* startsWith(first.value, gzipMagic) ? gunzip(all) : all
  } catch (error) {
    if (error instanceof Error && error.name === 'CachectlError') throw error
    throw invalid(`${what} ${printable(path)}: ${reasonOf(error)}`, undefined, error)
  } finally {
    file.destroy()
  }
}

async function* chain(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

async function* gunzip(packed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const unpacked = createGunzip({ chunkSize: chunkBytes })
  const piped = pipeline(Readable.from(packed), unpacked)
  // the same error comes out of the stream below
  piped.catch(() => undefined)
  yield* unpacked
}

function startsWith(bytes: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte)
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'Z_BUF_ERROR' ? 'its gzip data ends too early, the file is cut off' : describeError(error)
}
