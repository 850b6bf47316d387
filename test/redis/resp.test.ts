import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ReplyCounter } from '../../src/redis/reply-counter.js'
import { encodeCommands, ProtocolError, type Reply, ReplyError, ReplyParser } from '../../src/redis/resp.js'

function encode(reply: Reply): Buffer {
  if (reply === null) return Buffer.from('$-1\r\n')
  if (reply instanceof ReplyError) return Buffer.from(`-${reply.message}\r\n`)
  if (Buffer.isBuffer(reply))
    return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from('\r\n')])
  if (Array.isArray(reply)) return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(encode)])
  return Buffer.from(typeof reply === 'number' ? `:${reply}\r\n` : `+${reply}\r\n`)
}

function chunks(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...cuts, bytes.length].map((to, index) => bytes.subarray(cuts[index - 1] ?? 0, to))
}

const line = fc.stringMatching(/^[A-Za-z0-9 ]{1,20}$/)
const bulk = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
const error = line.map((text) => new ReplyError(`ERR ${text}`.split(' ', 1)[0]!, `ERR ${text}`))
const flat = fc.oneof(line, bulk, fc.integer(), fc.constant(null), error)
const reply: fc.Arbitrary<Reply> = fc.oneof(
  flat,
  fc.array(fc.oneof(flat, fc.array(flat, { maxLength: 3 })), { maxLength: 4 }),
)
const places = fc.array(fc.nat({ max: 1_000 }), { maxLength: 8 })

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

describe('the counter of load replies', () => {
  const loadReply = fc.oneof(bulk, fc.constant(null), line, fc.integer(), error)

  function count(parts: readonly Buffer[]): string[] {
    const seen: string[] = []
    const counter = new ReplyCounter({
      onHit: () => seen.push('hit'),
      onMiss: () => seen.push('miss'),
      onDone: () => seen.push('done'),
      onError: (code) => seen.push(code),
    })
    for (const part of parts) counter.feed(part, part.length)
    return seen
  }

  it('says the same, in order, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(loadReply, { maxLength: 12 }), places, (replies, cuts) => {
        const expected = replies.map((each) => {
          if (each === null) return 'miss'
          if (each instanceof ReplyError) return each.code
          return Buffer.isBuffer(each) ? 'hit' : 'done'
        })
        assert.deepEqual(count(chunks(Buffer.concat(replies.map(encode)), cuts)), expected)
      }),
    )
  })

  it('refuses what is no reply', () => {
    assert.throws(() => count([Buffer.from('HTTP/1.1\r\n')]), /not a Redis reply/)
  })
})
