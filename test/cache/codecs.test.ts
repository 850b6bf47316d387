/** Codecs: what goes in comes out, and damaged bytes are an error at once, whatever they announce. */
import assert from 'node:assert/strict'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Codec } from '../../src/cache/codec.js'
import { bufferCodec } from '../../src/cache/codecs/buffer.js'
import { type Compression, compressed } from '../../src/cache/codecs/compressed.js'
import { jsonCodec } from '../../src/cache/codecs/json.js'
import { messagePackCodec } from '../../src/cache/codecs/message-pack.js'
import { decodeBody, encodeBody } from '../../src/cache/stored-body.js'

const algorithms: readonly Compression[] = ['brotli', 'gzip', 'deflate']
const runs = { numRuns: 150 }

/** What JSON and MessagePack both say without loss: no -0, which JSON writes as 0, and no key that MessagePack refuses. */
const plainValue = fc
  .json()
  .filter((text) => !text.includes('__proto__'))
  .map((text): unknown => JSON.parse(text))
  .map((value): unknown => JSON.parse(JSON.stringify(value)))

describe('codecs', () => {
  const all: [string, Codec<unknown>][] = [
    ['JSON', jsonCodec()],
    ['MessagePack', messagePackCodec()],
    ...algorithms.map((algorithm): [string, Codec<unknown>] => [
      `JSON, ${algorithm}`,
      compressed(jsonCodec(), { aboveBytes: 16, algorithm }),
    ]),
  ]
  for (const [name, codec] of all) {
    it(`${name}: any value of JSON's comes back`, () => {
      fc.assert(
        fc.property(plainValue, (value) => {
          assert.deepEqual(codec.decode(Buffer.from(codec.encode(value))), value)
        }),
        runs,
      )
    })

    it(`${name}: damaged bytes are a value or an error, never anything else`, () => {
      const damage = fc.record({ value: plainValue, at: fc.nat(), byte: fc.nat(255), cut: fc.nat(5) })
      fc.assert(
        fc.property(damage, ({ value, at, byte, cut }) => {
          const bytes = Buffer.from(codec.encode(value))
          bytes[at % bytes.length] = byte
          readOrThrow(codec, bytes.subarray(0, bytes.length - cut))
        }),
        runs,
      )
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readOrThrow(codec, Buffer.from(bytes))),
        runs,
      )
    })
  }

  it('bytes stay bytes, compressed or not, and never grow by more than one', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 3_000 }),
          fc
            .record({ byte: fc.nat(255), length: fc.nat(100_000) })
            .map(({ byte, length }) => new Uint8Array(length).fill(byte)),
        ),
        fc.constantFrom(...algorithms),
        fc.constantFrom(...algorithms),
        (bytes, algorithm, other) => {
          const value = Buffer.from(bytes)
          const stored = Buffer.from(compressed(bufferCodec(), { algorithm }).encode(value))
          assert.ok(stored.length <= value.length + 1)
          if (value.length > 0 && value.length <= 1_024) assert.equal(stored[0], 0)
          assert.deepEqual(compressed(bufferCodec(), { algorithm: other }).decode(stored), value)
          assert.deepEqual(bufferCodec().decode(Buffer.from(bufferCodec().encode(value))), value)
        },
      ),
      runs,
    )
  })

  it('MessagePack keeps bytes and dates', () => {
    const value = { at: new Date(1_700_000_000_123), bytes: new Uint8Array([0, 255, 10, 13]) }
    const codec = messagePackCodec<typeof value>()
    const back = codec.decode(Buffer.from(codec.encode(value)))
    assert.deepEqual(back.at, value.at)
    assert.deepEqual([...back.bytes], [0, 255, 10, 13])
  })

  it('MessagePack: what announces more than there is costs no memory', () => {
    const codec = messagePackCodec<unknown>()
    const array32 = Buffer.from('dd01c9c380', 'hex') // 30 million elements: 240 MB of room
    const before = process.memoryUsage().heapUsed
    for (const bomb of [
      array32,
      Buffer.concat(new Array(200).fill(array32)),
      Buffer.from('dfffffffff', 'hex'),
    ])
      assert.throws(() => codec.decode(bomb), /announces more/)
    assert.ok(process.memoryUsage().heapUsed - before < 50e6)
  })

  it('a bomb is an error, not memory', () => {
    const zeros = Buffer.alloc(8 << 20)
    const bombs = [brotliCompressSync(zeros), gzipSync(zeros), deflateSync(zeros)]
    const codec = compressed(bufferCodec(), { maxBytes: 1 << 20 })
    for (const [index, bomb] of bombs.entries())
      assert.throws(() => codec.decode(Buffer.from([index + 1, ...bomb])), { code: 'ERR_BUFFER_TOO_LARGE' })
    assert.equal(codec.decode(Buffer.from(codec.encode(zeros))).length, zeros.length)
  })

  it('what a codec has no words for is an error that says so', () => {
    for (const value of [undefined, () => 1, Symbol('x')]) {
      assert.throws(() => jsonCodec<unknown>().encode(value), /JSON has no (undefined|function|symbol)/)
      assert.throws(() => messagePackCodec<unknown>().encode(value))
    }
    assert.throws(() => jsonCodec<unknown>().encode({ count: 1n }), /BigInt/)
    assert.throws(() => messagePackCodec<unknown>().encode({ count: 1n }), /BigInt/)
    // a caller without types
    assert.throws(() => Reflect.apply(bufferCodec().encode, undefined, ['text']), /no Buffer but a string/)
  })

  it('each has its own id, and options out of range are refused', () => {
    const ids = [jsonCodec(), messagePackCodec(), bufferCodec()].flatMap((codec) => [
      codec.id,
      compressed<never>(codec as Codec<never>).id,
    ])
    assert.deepEqual(ids, [1, 129, 2, 130, 3, 131])
    assert.throws(() => compressed(compressed(jsonCodec())), /its id is 129/)
    assert.throws(() => compressed(jsonCodec(), { maxBytes: 0 }), /maxBytes/)
    assert.throws(() => compressed(jsonCodec(), { aboveBytes: Number.NaN }), /aboveBytes/)
  })
})

describe('what stands at L2', () => {
  it('any bytes are a body or none, without an error', () => {
    const body = fc.record(
      {
        version: fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }),
        isNull: fc.boolean(),
        codecId: fc.nat(255),
        staleMs: fc.nat(),
        loadMs: fc.nat(1_000),
        tags: fc.array(
          fc.record(
            { name: fc.string({ unit: 'binary' }), version: fc.stringMatching(/^\d{1,16}$/) },
            { noNullPrototype: true },
          ),
        ),
        bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(body, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encodeBody(value)
        assert.deepEqual(decodeBody(bytes), value)
        bytes[at % bytes.length] = byte
        decodeBody(bytes)
        decodeBody(bytes.subarray(0, at % bytes.length))
      }),
      runs,
    )
  })
})

function readOrThrow(codec: Codec<unknown>, bytes: Buffer): void {
  try {
    codec.decode(bytes)
  } catch (error) {
    assert.ok(error instanceof Error)
  }
}
