/**
 * Writes a recorded trace in our columns, gzip where the name ends in `.gz`. The file is for its owner only: names of keys
 * tell about users. Closing it completes the gzip data, however the recording ended.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { PassThrough, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { describeError, invalid, stopped } from '../errors.js'
import type { RecordedRow, TraceSink } from '../operations/ports.js'
import { printable } from '../printable.js'
import { traceHeader } from './trace-formats.js'

export interface TraceWriterOptions {
  /** Keys are written as a keyed hash; the key of the hash is random, and forgotten with the recording. */
  readonly hashKeys: boolean
}

/** The reader takes lines of a MiB; the other columns have room. */
const maxKeyBytes = 2 ** 20 - 256
const hashChars = 20

/** Errors: `invalid` where it can't be opened; from then on `stopped` with the system's reason. */
export async function openTraceWriter(path: string, options: TraceWriterOptions): Promise<TraceSink> {
  const problem = (error: unknown) => `trace file ${printable(path)}: ${describeError(error)}`
  const handle = await open(path, 'w', 0o600).catch((error: unknown) => {
    throw invalid(problem(error), 'Nothing was recorded.', error)
  })
  const packing: Transform = path.endsWith('.gz') ? createGzip({ level: 6 }) : new PassThrough()
  let failure: unknown
  const written = pipeline(packing, createWriteStream(path, { fd: handle })).catch((error: unknown) => {
    failure = error
  })
  const throwFailure = () => {
    if (failure)
      throw stopped(
        problem(failure),
        'The file ends where writing failed; its last lines may be cut off.',
        failure,
      )
  }
  const nameOf = options.hashKeys ? createKeyHash() : (key: Buffer) => key.toString('latin1')
  packing.write(`${traceHeader}\n`)
  return {
    accepts: (key) => options.hashKeys || isWritable(key),
    async write(rows) {
      throwFailure()
      const text = rows.map((row) => formatRow(row, nameOf(row.key))).join('')
      if (!packing.write(Buffer.from(text, 'latin1'))) await drained(packing, written)
      throwFailure()
    },
    async close() {
      packing.end()
      await written
      throwFailure()
    },
  }
}

/** Or failed, of which `failed` tells. */
async function drained(stream: Transform, failed: Promise<void>): Promise<void> {
  await Promise.race([once(stream, 'drain').catch(() => failed), failed])
}

/** A line end would be one of the file's; CR counts as one for other readers. */
function isWritable(key: Buffer): boolean {
  return key.length > 0 && key.length <= maxKeyBytes && !key.includes(10) && !key.includes(13)
}

/** The size is the key's own, hashed or not: it counts for memory. */
function formatRow({ atMicros, key, valueBytes, client, op, ttlSeconds }: RecordedRow, name: string): string {
  const seconds = Math.floor(atMicros / 1e6)
  const micros = String(atMicros - seconds * 1e6).padStart(6, '0')
  return `${seconds}.${micros},${name},${key.length},${valueBytes},${client},${op},${ttlSeconds}\n`
}

function createKeyHash(): (key: Buffer) => string {
  const secret = randomBytes(32)
  return (key) => createHmac('sha256', secret).update(key).digest('hex').slice(0, hashChars)
}
