/** Request traces: whole files into columns, on bytes, because keys are bytes and a million rows a second leave no strings. */
import { stat } from 'node:fs/promises'
import { describeError, invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { TraceRequests } from '../workload/request-source.js'
import { createKeyTable } from './key-table.js'
import { readUnpacked } from './trace-bytes.js'
import { createTraceColumns, maxStepBackMs, maxTraceRequests } from './trace-columns.js'
import { detectLayout, type TraceLayout, traceHeader } from './trace-formats.js'
import { createRowParser, type RowParser } from './trace-rows.js'

export interface Trace {
  readonly path: string
  readonly requests: TraceRequests
  /** All distinct keys, one after the other; key i ends before `ends[i]`. */
  readonly names: Uint8Array
  readonly ends: Uint32Array
  /** false: the file has no column of times, and all of `atMs` is 0. */
  readonly hasTimes: boolean
  /** Requests whose time was before the one above it, by no more than a second: taken as made at the same time. */
  readonly clampedCount: number
}

export interface ReadTraceOptions {
  /** Requests so far, after each piece of the file: many times a second. */
  readonly onProgress?: (requestCount: number) => void
  readonly signal?: AbortSignal
}

const newline = 0x0a
const carriageReturn = 0x0d
const maxLineBytes = 2 ** 20
/** Of packed files; others have more. */
const leastBytesPerLine = 4

/**
 * Reads a whole trace: ours, Twitter's or CacheLib's columns, plain or gzip; docs/traces.md has the rules. About 21
 * bytes a request and 12 a distinct key beside its name.
 * Errors: `invalid` as `file:line: what, what was expected`; the signal's reason.
 */
export async function readTrace(path: string, options: ReadTraceOptions = {}): Promise<Trace> {
  const reader = createReader(path, await sizeOf(path))
  try {
    for await (const chunk of readUnpacked(path)) {
      options.signal?.throwIfAborted()
      reader.read(chunk)
      options.onProgress?.(reader.requestCount)
    }
    return reader.finish()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw invalid(`${reader.where()}: ${describeError(error)}`, 'Cut the trace into several files.', error)
  }
}

interface TraceReader {
  /** `file:line` of the last line that was begun. */
  where(): string
  readonly requestCount: number
  read(chunk: Buffer): void
  finish(): Trace
}

function createReader(path: string, fileBytes: number): TraceReader {
  const keys = createKeyTable()
  const columns = createTraceColumns(fileBytes / leastBytesPerLine)
  let line = 0
  const where = () => `${printable(path)}:${line}`
  let layout: TraceLayout | undefined
  let parser: RowParser | undefined

  const takeFirst = (bytes: Buffer, start: number, end: number) => {
    layout = detectLayout(bytes.toString('latin1', start, Math.min(end, start + 10_000)))
    if (!layout)
      throw invalid(
        `${where()}: ${printable(bytes.subarray(start, end), 60)} is no header and no request, expected ${traceHeader}`,
        "CacheLib's headers are read too; docs/traces.md lists what is known.",
      )
    parser = createRowParser(layout, keys, where)
    if (!layout.hasHeader) take(bytes, start, end)
  }
  const take = (bytes: Buffer, start: number, end: number) => {
    if (!parser) return takeFirst(bytes, start, end)
    const repeats = parser.parse(bytes, start, end)
    if (columns.count + repeats > maxTraceRequests)
      throw invalid(
        `${where()}: expected at most ${maxTraceRequests} requests`,
        'Cut the trace into several files.',
      )
    const stepMs = columns.stepTo(parser.row)
    if (stepMs < -maxStepBackMs)
      throw invalid(
        `${where()}: its time is ${-stepMs / 1000} s before the line above, expected times that do not fall`,
        `Sort the requests by time first: sort -s -t, -k1,1n (the header, if there is one, has to stay on top).`,
      )
    for (let repeat = 0; repeat < repeats; repeat++) columns.push(parser.row)
  }

  let rest: Buffer = Buffer.alloc(0)
  return {
    where,
    get requestCount() {
      return columns.count
    },
    read(chunk) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      let start = line === 0 ? markLength(bytes) : 0
      for (let end = bytes.indexOf(newline, start); end >= 0; end = bytes.indexOf(newline, start)) {
        line += 1
        const last = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end
        if (last > start) take(bytes, start, last)
        start = end + 1
      }
      rest = bytes.subarray(start)
      if (rest.length > maxLineBytes) {
        line += 1
        throw invalid(`${where()}: the line is longer than ${maxLineBytes} bytes, expected ${traceHeader}`)
      }
    },
    finish() {
      line += 1
      if (rest.length > 0) take(rest, 0, rest.length)
      if (columns.count === 0) throw invalid(`trace ${printable(path)}: no requests in it`)
      return {
        path,
        requests: columns.finish(),
        ...keys.finish(),
        hasTimes: layout?.roles.includes('time') ?? false,
        clampedCount: columns.clampedCount,
      }
    },
  }
}

/** 0 for a pipe, and for what cannot be read: reading it says why. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0
}

/** A byte-order mark is no part of the first column's name. */
function markLength(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}
