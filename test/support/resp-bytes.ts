/** RESP2 replies as a server sends them, any of them, and streams of them cut anywhere. */
import fc from 'fast-check'
import { type Reply, ReplyError } from '../../src/redis/resp.js'

export function encode(reply: Reply): Buffer {
  if (reply === null) return Buffer.from('$-1\r\n')
  if (reply instanceof ReplyError) return Buffer.from(`-${reply.message}\r\n`)
  if (Buffer.isBuffer(reply))
    return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from('\r\n')])
  if (Array.isArray(reply)) return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(encode)])
  return Buffer.from(typeof reply === 'number' ? `:${reply}\r\n` : `+${reply}\r\n`)
}

/** The bytes, cut at these places. */
export function chunks(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...cuts, bytes.length].map((to, index) => bytes.subarray(cuts[index - 1] ?? 0, to))
}

const line = fc.stringMatching(/^[A-Za-z0-9 ]{1,20}$/)
export const bulk = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
const error = line.map((text) => new ReplyError(`ERR ${text}`.split(' ', 1)[0]!, `ERR ${text}`))
const flat = fc.oneof(line, bulk, fc.integer(), fc.constant(null), error)
export const anyReply: fc.Arbitrary<Reply> = fc.oneof(
  flat,
  fc.array(fc.oneof(flat, fc.array(flat, { maxLength: 3 })), { maxLength: 4 }),
)
export const places = fc.array(fc.nat({ max: 1_000 }), { maxLength: 8 })
