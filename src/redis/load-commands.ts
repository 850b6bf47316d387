/** Writes load commands from prepared pieces: head, key, tail. */
import { operation } from '../workload/requests.js'
import type { LoadConnection } from './load-connection.js'
import type { LoadKeys } from './load-keys.js'

const getHead = Buffer.from('*2\r\n$3\r\nGET\r\n')
const delHead = Buffer.from('*2\r\n$6\r\nUNLINK\r\n')
const setHead = Buffer.from('*3\r\n$3\r\nSET\r\n')
const setExHead = Buffer.from('*5\r\n$3\r\nSET\r\n')

export class CommandWriter {
  private readonly values = new Map<number, Buffer>()
  private readonly setHead: Buffer
  private readonly expiry: Buffer

  constructor(
    private readonly keys: LoadKeys,
    ttlSeconds: number,
  ) {
    const digits = String(ttlSeconds)
    this.setHead = ttlSeconds > 0 ? setExHead : setHead
    this.expiry = Buffer.from(ttlSeconds > 0 ? `$2\r\nEX\r\n$${digits.length}\r\n${digits}\r\n` : '')
  }

  write(
    connection: LoadConnection,
    request: { op: number; key: number; valueBytes: number },
    nowMs: number,
  ): void {
    const isSet = request.op === operation.set || request.op === operation.fill
    const head = isSet ? this.setHead : request.op === operation.del ? delHead : getHead
    const value = isSet ? this.value(request.valueBytes) : undefined
    const out = connection.reserve(
      head.length + this.keys.maxBytes + (value ? value.length + this.expiry.length : 0),
    )
    let at = connection.writeStart
    out.set(head, at)
    at = this.keys.write(out, at + head.length, request.key)
    if (value) {
      out.set(value, at)
      out.set(this.expiry, at + value.length)
      at += value.length + this.expiry.length
    }
    connection.commit(at, request, nowMs)
  }

  /** `$length CRLF bytes CRLF`, made once a size; a trace of very many sizes keeps the common ones. */
  private value(bytes: number): Buffer {
    const known = this.values.get(bytes)
    if (known) return known
    const made = Buffer.concat([Buffer.from(`$${bytes}\r\n`), Buffer.alloc(bytes, 'x'), Buffer.from('\r\n')])
    if (this.values.size < 1_000) this.values.set(bytes, made)
    return made
  }
}
