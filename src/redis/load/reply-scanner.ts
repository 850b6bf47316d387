/**
 * Reads RESP2 replies of load without keeping them: it counts values and nils, names errors, and skips payloads unless
 * somebody wants to look at them. Whole replies within a chunk take a short way; what a chunk's end cuts is kept.
 * Invariant: however the stream is cut into chunks, the same replies are reported in the same order.
 */

export interface ReplyHandler {
  /** A whole reply: how many strings and how many nils were in it. A status or an integer has neither. */
  onReply(values: number, nils: number): void
  /** A reply that is an error, or has one inside. `code` is its first word. */
  onError(code: string): void
  /** A string of a reply that is not yet whole; only where `wantsPayload`. The bytes are valid during the call. */
  onPayload(bytes: Uint8Array, start: number, end: number): void
}

const cr = 13
const lf = 10
const star = 0x2a
const plus = 0x2b
const minus = 0x2d
const colon = 0x3a
const dollar = 0x24
const longestLine = 64 * 1024

export class ReplyScanner {
  wantsPayload = false
  /** Elements still missing from the reply under way; 0: between replies. */
  private missing = 0
  private values = 0
  private nils = 0
  private error = ''
  /** A line that a chunk's end has cut, its type byte first. */
  private cutLine = ''
  /** Payload bytes still to come, CRLF among them. */
  private skip = 0
  private kept: Buffer | undefined
  private keptBytes = 0

  constructor(private readonly handler: ReplyHandler) {}

  /** Throws on bytes that are no RESP2 reply. */
  feed(chunk: Uint8Array, length: number): void {
    let at = 0
    if (this.skip > 0) at = this.skipPayload(chunk, 0, length)
    if (this.cutLine !== '') at = this.finishLine(chunk, at, length)
    while (at < length) {
      const next = this.take(chunk, at, length)
      if (next === 0) return
      at = next
    }
  }

  /** One line, and the payload after it; 0: the chunk ended first, and what was there is kept. */
  private take(chunk: Uint8Array, start: number, length: number): number {
    const type = chunk[start]!
    let at = start + 1
    if (type === dollar || type === star) {
      let number = 0
      let isNegative = false
      for (; at < length; at++) {
        const byte = chunk[at]!
        if (byte === lf) return this.takeNumber(type, isNegative ? -1 : number, chunk, at + 1, length)
        if (byte === minus) isNegative = true
        else if (byte !== cr) number = number * 10 + byte - 48
      }
    } else if (type === plus || type === colon) {
      while (at < length) if (chunk[at++] === lf) return this.element(0, 0, at)
    } else if (type === minus) {
      while (at < length) if (chunk[at++] === lf) return this.takeError(text(chunk, start, at), at)
    } else {
      throw new Error(`not a Redis reply: it starts with byte 0x${type.toString(16)}`)
    }
    this.keepLine(text(chunk, start, length))
    return 0
  }

  private takeNumber(type: number, number: number, chunk: Uint8Array, at: number, length: number): number {
    if (type === star) {
      if (number > 0) this.missing += number - (this.missing > 0 ? 1 : 0)
      else this.element(0, number < 0 ? 1 : 0, at)
      return at
    }
    if (number < 0) return this.element(0, 1, at)
    const end = at + number + 2
    if (end <= length) {
      if (this.wantsPayload) this.handler.onPayload(chunk, at, end - 2)
      return this.element(1, 0, end)
    }
    this.skip = number + 2
    if (this.wantsPayload) {
      this.kept = Buffer.allocUnsafe(number + 2)
      this.keptBytes = 0
    }
    this.skipPayload(chunk, at, length)
    return 0
  }

  private skipPayload(chunk: Uint8Array, at: number, length: number): number {
    const end = Math.min(length, at + this.skip)
    if (this.kept) {
      this.kept.set(chunk.subarray(at, end), this.keptBytes)
      this.keptBytes += end - at
    }
    this.skip -= end - at
    if (this.skip > 0) return end
    const { kept } = this
    if (kept) {
      this.kept = undefined
      this.handler.onPayload(kept, 0, kept.length - 2)
    }
    return this.element(1, 0, end)
  }

  private finishLine(chunk: Uint8Array, start: number, length: number): number {
    const line = this.cutLine
    for (let at = start; at < length; at++) {
      if (chunk[at] !== lf) continue
      const whole = Buffer.from(line + text(chunk, start, at + 1), 'latin1')
      this.cutLine = ''
      const type = whole[0]!
      if (type !== dollar && type !== star) {
        this.take(whole, 0, whole.length)
        return at + 1
      }
      const number = Number(whole.toString('latin1', 1, whole.length - 2))
      return this.takeNumber(type, number, chunk, at + 1, length) || length
    }
    this.keepLine(line + text(chunk, start, length))
    return length
  }

  private keepLine(line: string): void {
    if (line.length > longestLine) throw new Error('not a Redis reply: a line without an end')
    this.cutLine = line
  }

  private takeError(line: string, at: number): number {
    this.error ||= line.slice(1, 200).trim().split(' ', 1)[0] || 'ERR'
    return this.element(0, 0, at)
  }

  private element(values: number, nils: number, at: number): number {
    this.values += values
    this.nils += nils
    if (this.missing > 1) {
      this.missing -= 1
      return at
    }
    this.missing = 0
    const { error } = this
    values = this.values
    nils = this.nils
    this.values = 0
    this.nils = 0
    if (error === '') this.handler.onReply(values, nils)
    else {
      this.error = ''
      this.handler.onError(error)
    }
    return at
  }
}

function text(chunk: Uint8Array, start: number, end: number): string {
  return Buffer.from(chunk.buffer, chunk.byteOffset + start, end - start).toString('latin1')
}
