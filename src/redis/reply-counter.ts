/**
 * Reads RESP replies of load without keeping them: it says hit, miss, done or error, and skips payloads.
 * Invariant: however the stream is cut into chunks, the same replies are reported in the same order.
 */

export interface ReplyHandler {
  /** A bulk string: the value was there. */
  onHit(): void
  /** A nil: it was not. */
  onMiss(): void
  /** A status or an integer. */
  onDone(): void
  /** `code` is the error's first word. */
  onError(code: string): void
}

const cr = 13

export class ReplyCounter {
  /** Payload bytes (with CRLF) still to be skipped before a hit counts. */
  private skip = 0
  private type = 0
  private number = 0
  private negative = false
  private text = ''

  constructor(private readonly handler: ReplyHandler) {}

  /** Throws on bytes that are no reply to a load command. */
  feed(chunk: Uint8Array, length: number): void {
    let at = 0
    while (at < length) {
      if (this.skip > 0) {
        const taken = Math.min(this.skip, length - at)
        this.skip -= taken
        at += taken
        if (this.skip === 0) this.handler.onHit()
        continue
      }
      if (this.type === 0) {
        this.type = chunk[at++]!
        this.number = 0
        this.negative = false
        continue
      }
      at = this.readLine(chunk, at, length)
    }
  }

  private readLine(chunk: Uint8Array, start: number, length: number): number {
    let at = start
    while (at < length) {
      const byte = chunk[at++]!
      if (byte === 10) {
        this.endLine()
        return at
      }
      if (byte === cr) continue
      if (this.type === 0x24) {
        if (byte === 0x2d) this.negative = true
        else this.number = this.number * 10 + byte - 48
      } else if (this.type === 0x2d && this.text.length < 200) {
        this.text += String.fromCharCode(byte)
      }
    }
    return at
  }

  private endLine(): void {
    const type = this.type
    this.type = 0
    switch (type) {
      case 0x24:
        if (this.negative) this.handler.onMiss()
        else this.skip = this.number + 2
        return
      case 0x2b:
      case 0x3a:
        this.handler.onDone()
        return
      case 0x2d: {
        const code = this.text.split(' ', 1)[0] ?? ''
        this.text = ''
        this.handler.onError(code)
        return
      }
      default:
        throw new Error(`not a Redis reply: it starts with byte 0x${type.toString(16)}`)
    }
  }
}
