/** The keys of a load as bytes, written straight into output buffers: no string and no object a request. */
import type { LoadKeysSpec } from '../../operations/ports.js'

export interface LoadKeys {
  readonly count: number
  /** A view of the key's bytes; valid until the next call. */
  bytes(index: number): Uint8Array
  /** Writes `$length CRLF key CRLF` at `at` and returns the end. */
  write(out: Buffer, at: number, index: number): number
  /** The most that `write` writes. */
  readonly maxBytes: number
  /** The same keys; `write` puts these bytes before each. */
  behind(head: Uint8Array): LoadKeys
}

const nothing = new Uint8Array()

/** How many key numbers a load can use. */
export function keyNumbers(keys: LoadKeysSpec): number {
  return keys.kind === 'named' ? keys.ends.length : keys.capacity
}

/** `keyspace` stands between the prefix and the number or name. */
export function createLoadKeys(spec: LoadKeysSpec, keyspace: string): LoadKeys {
  if (spec.kind === 'named') return named(spec, keyspace)
  const prefix = Buffer.from(`${spec.prefix}${keyspace}`)
  return spec.lengths ? sized(prefix, spec.capacity, spec.lengths) : numbered(prefix, spec.capacity, nothing)
}

function digitsOf(count: number): number {
  return String(Math.max(0, count - 1)).length
}

function writeDigits(target: Uint8Array, end: number, width: number, index: number): void {
  let rest = index
  for (let at = end - 1; at >= end - width; at--) {
    const next = (rest / 10) | 0
    target[at] = 48 + rest - next * 10
    rest = next
  }
}

/** `prefix` and the index in decimal, all of one width: one copy a command, `head` among it. */
function numbered(prefix: Buffer, count: number, head: Uint8Array): LoadKeys {
  const width = digitsOf(count)
  const length = prefix.length + width
  const template = Buffer.concat([
    head,
    Buffer.from(`$${length}\r\n`),
    prefix,
    Buffer.alloc(width, 0x30),
    Buffer.from('\r\n'),
  ])
  const keyStart = template.length - 2 - length
  const key = template.subarray(keyStart, keyStart + length)
  return {
    count,
    maxBytes: template.length,
    bytes(index) {
      writeDigits(key, length, width, index)
      return key
    },
    write(out, at, index) {
      out.set(template, at)
      const end = at + template.length
      writeDigits(out, end - 2, width, index)
      return end
    },
    behind: (other) => numbered(prefix, count, other),
  }
}

/** Of many lengths: zeros between the prefix and the digits; the length follows from the key's number. */
function sized(prefix: Buffer, count: number, lengths: Uint16Array): LoadKeys {
  const width = digitsOf(count)
  const shortest = prefix.length + width
  const longest = lengths.reduce((most, length) => Math.max(most, length), shortest)
  const scratch = Buffer.concat([prefix, Buffer.alloc(longest - prefix.length, 0x30)])
  const lengthOf = (index: number) =>
    Math.max(shortest, lengths[(Math.imul(index, 0x9e3779b1) >>> 8) % lengths.length]!)
  const bytes = (index: number) => {
    const length = lengthOf(index)
    scratch.fill(0x30, prefix.length, length)
    writeDigits(scratch, length, width, index)
    return scratch.subarray(0, length)
  }
  return written({ count, longest, bytes }, nothing)
}

/** `prefix` and a name from a trace. */
function named(spec: Extract<LoadKeysSpec, { kind: 'named' }>, keyspace: string): LoadKeys {
  const { names, ends } = spec
  const start = Buffer.from(`${spec.prefix}${keyspace}`)
  let longest = 0
  for (let index = 0; index < ends.length; index++)
    longest = Math.max(longest, ends[index]! - (ends[index - 1] ?? 0))
  const scratch = Buffer.alloc(start.length + longest)
  scratch.set(start)
  const bytes = (index: number) => {
    const from = ends[index - 1] ?? 0
    const to = ends[index]!
    scratch.set(names.subarray(from, to), start.length)
    return scratch.subarray(0, start.length + to - from)
  }
  return written({ count: ends.length, longest: scratch.length, bytes }, nothing)
}

interface Varying extends Pick<LoadKeys, 'count' | 'bytes'> {
  readonly longest: number
}

/** Keys whose lengths differ: the length is written with each. */
function written(keys: Varying, head: Uint8Array): LoadKeys {
  const { count, longest, bytes } = keys
  return {
    count,
    bytes,
    maxBytes: head.length + longest + 20,
    write(out, at, index) {
      out.set(head, at)
      return writeBulk(out, at + head.length, bytes(index))
    },
    behind: (other) => written(keys, other),
  }
}

function writeBulk(out: Buffer, at: number, bytes: Uint8Array): number {
  let end = at + out.write(`$${bytes.length}\r\n`, at, 'latin1')
  out.set(bytes, end)
  end += bytes.length
  out[end] = 13
  out[end + 1] = 10
  return end + 2
}
