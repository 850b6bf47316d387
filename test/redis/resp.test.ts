import assert from 'node:assert/strict'
import fc from 'fast-check'
import { encodeCommands, ProtocolError, type Reply, ReplyParser } from '../../src/redis/resp.js'
import { bulk, chunks, encode, places, anyReply as reply } from '../support/resp-bytes.js'

describe('RESP', () => {
  it('replies are the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(reply, { maxLength: 6 }), places, (replies, cuts) => {
        const seen: Reply[] = []
        const parser = new ReplyParser((each) => seen.push(each))
        for (const chunk of chunks(Buffer.concat(replies.map(encode)), cuts)) parser.feed(chunk)
        assert.deepEqual(seen, replies)
      }),
    )
  })

  it('a large value in many small pieces arrives whole', () => {
    const value = Buffer.alloc(3_000_000, 'ab\r\n')
    const bytes = encode(value)
    const seen: Reply[] = []
    const parser = new ReplyParser((each) => seen.push(each))
    for (let at = 0; at < bytes.length; at += 1_000) parser.feed(bytes.subarray(at, at + 1_000))
    assert.deepEqual(seen, [value])
  })

  /** Bytes that the parser copies while it is fed `bytes` in that many pieces. */
  function copiedBytes(bytes: Buffer, pieces: number): { seen: Reply[]; copied: number } {
    const seen: Reply[] = []
    const parser = new ReplyParser((each) => seen.push(each))
    const { concat } = Buffer
    let copied = 0
    Buffer.concat = (list, length) => {
      const joined = concat(list, length)
      copied += joined.length
      return joined
    }
    try {
      const step = Math.ceil(bytes.length / pieces)
      for (let at = 0; at < bytes.length; at += step) parser.feed(bytes.subarray(at, at + step))
    } finally {
      Buffer.concat = concat
    }
    return { seen, copied }
  }

  it('a value of 5 MB in 1,000 pieces is copied a few times at most', () => {
    const value = Buffer.alloc(5_000_000, 'ab\r\n')
    const { seen, copied } = copiedBytes(encode(value), 1_000)
    assert.deepEqual(seen, [value])
    assert.ok(copied < 3 * value.length, `${copied} bytes`)
  })

  it('an array of 20,000 elements in 1,000 pieces is copied a few times at most', () => {
    const array = Array.from({ length: 20_000 }, (_, index) => Buffer.from(`element ${index}`))
    const bytes = encode(array)
    const { seen, copied } = copiedBytes(bytes, 1_000)
    assert.deepEqual(seen, [array])
    assert.ok(copied < 10 * bytes.length, `${copied} of ${bytes.length} bytes`)
  })

  it('commands are encoded to the byte', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.oneof(bulk, fc.string(), fc.integer()), { minLength: 1, maxLength: 4 })),
        (commands) => {
          const expected = commands.map((parts) =>
            encode(parts.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(String(part))))),
          )
          assert.deepEqual(encodeCommands(commands), Buffer.concat(expected))
        },
      ),
    )
  })

  for (const bytes of ['HTTP/1.1 400 Bad Request\r\n', '$-5\r\n', '$x\r\n', `${'*1\r\n'.repeat(40)}:1\r\n`]) {
    it(`something else is noticed: ${JSON.stringify(bytes.slice(0, 12))}`, () => {
      assert.throws(() => new ReplyParser(() => undefined).feed(Buffer.from(bytes)), ProtocolError)
    })
  }
})

describe('RESP that is out of step', () => {
  for (const bytes of ['$\r\n\r\n', '*\r\n', ':abc\r\n', '$1\r\nabc\r\n']) {
    it(`is noticed: ${JSON.stringify(bytes)}`, () => {
      assert.throws(() => new ReplyParser(() => undefined).feed(Buffer.from(bytes)), ProtocolError)
    })
  }
})
