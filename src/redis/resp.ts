/**
 * RESP2 and RESP3 on the wire (https://redis.io/docs/latest/develop/reference/protocol-spec/): commands to one buffer,
 * a stream of chunks to replies. RESP3's types are given RESP2's shapes, pushes apart. Bytes in, bytes out; no I/O.
 */

export type CommandPart = Uint8Array | string | number
export type Command = readonly CommandPart[]

/** An error reply; a value, because in a pipeline each command fails on its own. */
export class ReplyError {
  constructor(
    /** First word of the reply: `ERR`, `BUSYKEY`, `NOAUTH`, … */
    readonly code: string,
    readonly message: string,
  ) {}
}

/** Simple strings are `string`, bulk strings `Buffer`, integers `number`, nil `null`. */
export type Reply = string | Buffer | number | null | ReplyError | Reply[]

const maxDepth = 32

/** All commands in one buffer: one write a batch is what makes pipelines cheap. */
export function encodeCommands(commands: readonly Command[]): Buffer {
  let bytes = 0
  for (const command of commands) {
    bytes += headerBytes(command.length)
    for (const part of command) {
      const length = partBytes(part)
      bytes += headerBytes(length) + length + 2
    }
  }
  const out = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const command of commands) {
    at = writeHeader(out, at, 0x2a, command.length)
    for (const part of command) {
      at = writeHeader(out, at, 0x24, partBytes(part))
      at = typeof part === 'object' ? writeBytes(out, at, part) : writeText(out, at, String(part))
      out[at++] = 13
      out[at++] = 10
    }
  }
  return out
}

/** Type byte, decimal, CRLF; digit by digit, because a string a header costs more than all the rest. */
function writeHeader(out: Buffer, start: number, type: number, value: number): number {
  out[start] = type
  const end = start + 1 + decimalDigits(value)
  let rest = value
  for (let at = end - 1; at > start; at--) {
    const next = Math.trunc(rest / 10)
    out[at] = 48 + rest - next * 10
    rest = next
  }
  out[end] = 13
  out[end + 1] = 10
  return end + 2
}

/** Up to so many bytes a loop is faster than the call into native code that a copy is. */
const shortBytes = 64

function writeBytes(out: Buffer, start: number, bytes: Uint8Array): number {
  if (bytes.length > shortBytes) out.set(bytes, start)
  else for (let index = 0; index < bytes.length; index++) out[start + index] = bytes[index]!
  return start + bytes.length
}

function writeText(out: Buffer, start: number, text: string): number {
  if (!isShortAscii(text)) return start + out.write(text, start)
  for (let index = 0; index < text.length; index++) out[start + index] = text.charCodeAt(index)
  return start + text.length
}

function isShortAscii(text: string): boolean {
  if (text.length > shortBytes) return false
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) return false
  return true
}

function decimalDigits(value: number): number {
  let digits = 1
  for (let rest = value; rest >= 10; rest = Math.trunc(rest / 10)) digits++
  return digits
}

function headerBytes(length: number): number {
  return decimalDigits(length) + 3
}

function partBytes(part: CommandPart): number {
  if (typeof part === 'object') return part.length
  if (typeof part === 'number') return String(part).length
  return isShortAscii(part) ? part.length : Buffer.byteLength(part)
}

/** Thrown on bytes that are not RESP: the port speaks something else, or the stream is out of step. */
export class ProtocolError extends Error {}

interface OpenArray {
  readonly items: Reply[]
  readonly length: number
  readonly isPush?: boolean
}

/** Feeds on chunks, calls back with each whole reply. A reply of n bytes costs O(n), however it is cut. */
export class ReplyParser {
  private pending: Buffer = Buffer.alloc(0)
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private neededBytes = 0
  private at = 0
  /** Arrays whose elements are still coming, outermost first: what was parsed of them is not parsed again. */
  private readonly open: OpenArray[] = []

  /** `onPush` takes what the server says unasked, in order with the replies; without it a push is a protocol error. */
  constructor(
    private readonly onReply: (reply: Reply) => void,
    private readonly onPush?: (items: readonly Reply[]) => void,
  ) {}

  feed(chunk: Buffer): void {
    this.waiting.push(chunk)
    this.waitingBytes += chunk.length
    if (this.pending.length + this.waitingBytes < this.neededBytes) return
    this.pending =
      this.pending.length === 0 && this.waiting.length === 1
        ? chunk
        : Buffer.concat([this.pending, ...this.waiting])
    this.waiting = []
    this.waitingBytes = 0
    this.neededBytes = 0
    let done = 0
    while (done < this.pending.length) {
      this.at = done
      const reply = this.parse()
      if (reply === undefined) break
      done = this.at
      this.close(reply)
    }
    this.pending = this.pending.subarray(done)
    if (this.neededBytes > 0) this.neededBytes -= done
  }

  /** A whole value is the next element of the innermost open array, or a reply. */
  private close(value: Reply | OpenArray): void {
    if (isOpenArray(value)) {
      if (this.open.length >= maxDepth) throw new ProtocolError('a reply is nested too deep')
      this.open.push(value)
      return
    }
    let whole: Reply = value
    for (;;) {
      const array = this.open.at(-1)
      if (!array) {
        this.onReply(whole)
        return
      }
      array.items.push(whole)
      if (array.items.length < array.length) return
      this.open.pop()
      if (array.isPush) {
        this.push(array.items)
        return
      }
      whole = array.items
    }
  }

  /** undefined: the value is not whole yet. */
  private parse(): Reply | OpenArray | undefined {
    const type = this.pending[this.at]
    const end = this.lineEnd()
    if (end < 0) return undefined
    const start = this.at + 1
    this.at = end + 2
    switch (type) {
      case 0x2b:
        return this.pending.toString('utf8', start, end)
      case 0x2d: {
        const line = this.pending.toString('utf8', start, end)
        return new ReplyError(line.split(' ', 1)[0] ?? '', line)
      }
      case 0x3a:
        return this.integer(start, end)
      case 0x24:
        return this.bulk(this.length(start, end))
      case 0x2a: {
        const length = this.length(start, end)
        if (length === -1) return null
        return length === 0 ? [] : { items: [], length }
      }
      default:
        return this.parseThird(type ?? 0, start, end)
    }
  }

  /** The types that RESP3 adds, in the shapes that RESP2 gives them. */
  private parseThird(type: number, start: number, end: number): Reply | OpenArray | undefined {
    switch (type) {
      case 0x5f: // _
        return null
      case 0x23: // #
        return this.pending[start] === 0x74 ? 1 : 0
      case 0x2c: // , a double
      case 0x28: // ( a big number
        return Buffer.from(this.pending.subarray(start, end))
      case 0x3d: {
        // = verbatim text, after `txt:`
        const text = this.bulk(this.length(start, end))
        return Buffer.isBuffer(text) ? text.subarray(4) : text
      }
      case 0x25: // % a map
      case 0x7e: // ~ a set
      case 0x3e: {
        // > a push
        const length = this.length(start, end) * (type === 0x25 ? 2 : 1)
        if (type === 0x3e) return { items: [], length, isPush: true }
        return length === 0 ? [] : { items: [], length }
      }
      default:
        throw new ProtocolError(
          `not a Redis reply: it starts with byte 0x${type.toString(16).padStart(2, '0')}`,
        )
    }
  }

  private push(items: readonly Reply[]): void {
    if (!this.onPush || this.open.length > 0) throw new ProtocolError('a push that nobody asked for')
    this.onPush(items)
  }

  /** Where the line's CRLF begins, or -1. Lines are short: a loop beats a call into the runtime. */
  private lineEnd(): number {
    const { pending } = this
    for (let at = this.at + 1; at < pending.length; at++) {
      if (pending[at] === 13) return at + 1 < pending.length ? at : -1
    }
    return -1
  }

  private integer(start: number, end: number): number {
    const isNegative = this.pending[start] === 0x2d
    const first = isNegative ? start + 1 : start
    let value = 0
    for (let at = first; at < end; at++) {
      const digit = this.pending[at]! - 48
      if (digit < 0 || digit > 9) throw this.notANumber(start, end)
      value = value * 10 + digit
    }
    if (first >= end) throw this.notANumber(start, end)
    return isNegative ? -value : value
  }

  private length(start: number, end: number): number {
    const length = this.integer(start, end)
    if (length < -1) throw this.notANumber(start, end)
    return length
  }

  private notANumber(start: number, end: number): ProtocolError {
    return new ProtocolError(
      `not a number or length: ${JSON.stringify(this.pending.toString('latin1', start, Math.min(end, start + 20)))}`,
    )
  }

  private bulk(length: number): Buffer | null | undefined {
    if (length === -1) return null
    const end = this.at + length
    if (end + 2 > this.pending.length) {
      this.neededBytes = end + 2
      return undefined
    }
    if (this.pending[end] !== 13 || this.pending[end + 1] !== 10) {
      throw new ProtocolError('a bulk string does not end where its length says')
    }
    const bytes = this.pending.subarray(this.at, end)
    this.at = end + 2
    return bytes
  }
}

function isOpenArray(value: Reply | OpenArray): value is OpenArray {
  return typeof value === 'object' && value !== null && 'items' in value
}
