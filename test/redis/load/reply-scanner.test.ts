import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ReplyScanner } from '../../../src/redis/load/reply-scanner.js'
import { type Reply, ReplyError } from '../../../src/redis/resp.js'
import { anyReply, chunks, encode, places } from '../../support/resp-bytes.js'

interface Seen {
  readonly replies: readonly string[]
  readonly payloads: readonly string[]
}

function scan(parts: readonly Buffer[], wantsPayload: boolean): Seen {
  const replies: string[] = []
  const payloads: string[] = []
  const scanner = new ReplyScanner({
    onReply: (values, nils) => replies.push(`${values} values, ${nils} nils`),
    onError: (code) => replies.push(code),
    onPayload: (bytes, start, end) => payloads.push(Buffer.from(bytes.slice(start, end)).toString('latin1')),
  })
  scanner.wantsPayload = wantsPayload
  for (const part of parts) scanner.feed(part, part.length)
  return { replies, payloads }
}

function leaves(reply: Reply): Reply[] {
  return Array.isArray(reply) ? reply.flatMap(leaves) : [reply]
}

function expected(reply: Reply): string {
  const all = leaves(reply)
  const error = all.find((leaf) => leaf instanceof ReplyError)
  if (error instanceof ReplyError) return error.code
  const values = all.filter(Buffer.isBuffer).length
  return `${values} values, ${all.filter((leaf) => leaf === null).length} nils`
}

describe('the scanner of load replies', () => {
  it('says the same, in order, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(anyReply, { maxLength: 8 }), places, fc.boolean(), (replies, cuts, wants) => {
        const seen = scan(chunks(Buffer.concat(replies.map(encode)), cuts), wants)
        assert.deepEqual(seen.replies, replies.map(expected))
        const payloads = replies
          .flatMap(leaves)
          .filter(Buffer.isBuffer)
          .map((bytes) => bytes.toString('latin1'))
        assert.deepEqual(seen.payloads, wants ? payloads : [])
      }),
    )
  })

  it('one byte at a time', () => {
    const bytes = Buffer.from('*2\r\n$3\r\nabc\r\n*2\r\n$-1\r\n:12\r\n+OK\r\n-MOVED 1 x\r\n$0\r\n\r\n')
    const seen = scan(
      [...bytes].map((byte) => Buffer.from([byte])),
      true,
    )
    assert.deepEqual(seen, {
      replies: ['1 values, 1 nils', '0 values, 0 nils', 'MOVED', '1 values, 0 nils'],
      payloads: ['abc', ''],
    })
  })

  it('refuses what is no reply', () => {
    assert.throws(() => scan([Buffer.from('HTTP/1.1\r\n')], false), /not a Redis reply/)
    assert.throws(() => scan([Buffer.alloc(70_000, '+')], false).replies, /without an end/)
  })
})
