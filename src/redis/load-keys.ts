/** The keys of a load as bytes, written straight into output buffers: no string and no object a request. */

import type { LoadKeysSpec } from '../operations/ports.js'

export interface LoadKeys {
  readonly count: number
  /** A view of the key's bytes; valid until the next call. */
  bytes(index: number): Uint8Array
  /** Writes `$length CRLF key CRLF` at `at` and returns the end. */
  write(out: Buffer, at: number, index: number): number
  /** The most that `write` writes. */
  readonly maxBytes: number
}

export function createLoadKeys(spec: LoadKeysSpec): LoadKeys {
  return spec.kind === 'numbered' ? numbered(spec.prefix, spec.count) : named(spec)
}

/** `prefix` and the index in decimal, all of one width. */
function numbered(prefix: string, count: number): LoadKeys {
  const width = String(Math.max(0, count - 1)).length
  const start = Buffer.from(prefix)
  const length = start.length + width
  const template = Buffer.concat([
    Buffer.from(`$${length}\r\n`),
    start,
    Buffer.alloc(width, 0x30),
    Buffer.from('\r\n'),
  ])
  const keyStart = template.length - 2 - length
  const key = template.subarray(keyStart, keyStart + length)
  const patch = (target: Uint8Array, end: number, index: number) => {
    let rest = index
    for (let digit = 1; digit <= width; digit++) {
      const next = (rest / 10) | 0
      target[end - digit] = 48 + rest - next * 10
      rest = next
    }
  }
  return {
    count,
    maxBytes: template.length,
    bytes(index) {
      patch(key, length, index)
      return key
    },
    write(out, at, index) {
      out.set(template, at)
      const end = at + template.length
      patch(out, end - 2, index)
      return end
    },
  }
}

/** `prefix` and a name from a trace. */
function named({ prefix, names, ends }: Extract<LoadKeysSpec, { kind: 'named' }>): LoadKeys {
  const start = Buffer.from(prefix)
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
  return {
    count: ends.length,
    maxBytes: scratch.length + 20,
    bytes,
    write(out, at, index) {
      const key = bytes(index)
      let end = at + out.write(`$${key.length}\r\n`, at, 'latin1')
      out.set(key, end)
      end += key.length
      out[end] = 13
      out[end + 1] = 10
      return end + 2
    },
  }
}
