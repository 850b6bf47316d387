/** Request traces: CSV, plain or gzip, with the columns of Twitter's cache traces (https://github.com/twitter/cache-trace). */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { describeError, invalid } from '../errors.js'
import { printable } from '../printable.js'
import { operation, type TraceRequests } from '../workload/requests.js'

export interface Trace {
  readonly path: string
  readonly requests: TraceRequests
  /** All distinct keys, one after the other; key i ends before `ends[i]`. */
  readonly names: Uint8Array
  readonly ends: Uint32Array
}

const columns = ['time', 'key', 'key_size', 'value_size', 'client', 'op', 'ttl']
const operations: Readonly<Record<string, number>> = {
  get: operation.get,
  gets: operation.get,
  set: operation.set,
  add: operation.set,
  replace: operation.set,
  cas: operation.set,
  delete: operation.del,
}
const maxValueBytes = 512 * 2 ** 20

/**
 * Reads a whole trace. A header line is optional. Keys may hold commas: the other columns are counted from both ends.
 * Errors: `invalid` as `file:line: what, what was expected`.
 */
export async function readTrace(path: string): Promise<Trace> {
  const indexOf = new Map<string, number>()
  const rows = { keys: [] as number[], ops: [] as number[], valueBytes: [] as number[] }
  let line = 0
  try {
    const file = createReadStream(path)
    const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
    file.on('error', (error) => stream.destroy(error))
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1
      if (text === '' || (line === 1 && text === columns.join(','))) continue
      const row = parseRow(text, `${printable(path)}:${line}`)
      let key = indexOf.get(row.key)
      if (key === undefined) {
        key = indexOf.size
        indexOf.set(row.key, key)
      }
      rows.keys.push(key)
      rows.ops.push(row.op)
      rows.valueBytes.push(row.valueBytes)
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'CachectlError') throw error
    throw invalid(`trace ${printable(path)}: ${describeError(error)}`, undefined, error)
  }
  if (rows.keys.length === 0) throw invalid(`trace ${printable(path)}: no requests in it`)
  return { path, requests: share(rows), ...shareNames([...indexOf.keys()]) }
}

function parseRow(text: string, where: string): { key: string; op: number; valueBytes: number } {
  const fields = text.split(',')
  const wish = `expected ${columns.join(',')}`
  if (fields.length < columns.length) throw invalid(`${where}: ${fields.length} columns, ${wish}`)
  const [time, ...rest] = fields
  const tail = rest.splice(-5)
  const [keySize, valueSize, , op, ttl] = tail
  const key = rest.join(',')
  const numbers = { time, key_size: keySize, value_size: valueSize, ttl }
  for (const [name, digits] of Object.entries(numbers)) {
    if (!/^\d+(\.\d+)?$/.test(digits ?? ''))
      throw invalid(`${where}: ${name} is ${printable(digits ?? '', 40)}, expected a number`)
  }
  const code = operations[op ?? '']
  if (code === undefined) {
    throw invalid(
      `${where}: op is ${printable(op ?? '', 40)}, expected one of ${Object.keys(operations).join(', ')}`,
    )
  }
  if (key === '') throw invalid(`${where}: the key is empty, ${wish}`)
  const valueBytes = Number(valueSize)
  if (valueBytes > maxValueBytes)
    throw invalid(`${where}: value_size is ${valueBytes}, expected at most ${maxValueBytes}`)
  return { key, op: code, valueBytes: Math.floor(valueBytes) }
}

function share(rows: { keys: number[]; ops: number[]; valueBytes: number[] }): TraceRequests {
  const count = rows.keys.length
  const keys = new Uint32Array(new SharedArrayBuffer(4 * count))
  const ops = new Uint8Array(new SharedArrayBuffer(count))
  const valueBytes = new Uint32Array(new SharedArrayBuffer(4 * count))
  keys.set(rows.keys)
  ops.set(rows.ops)
  valueBytes.set(rows.valueBytes)
  return { keys, ops, valueBytes }
}

function shareNames(names: readonly string[]): { names: Uint8Array; ends: Uint32Array } {
  const bytes = Buffer.from(names.join(''))
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  const ends = new Uint32Array(new SharedArrayBuffer(4 * names.length))
  let end = 0
  names.forEach((name, index) => {
    end += Buffer.byteLength(name)
    ends[index] = end
  })
  return { names: shared, ends }
}
