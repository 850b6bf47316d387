import assert from 'node:assert/strict'
import fc from 'fast-check'
import xxhash from 'xxhash-wasm'
import { murmur3 } from '../../src/ring/hash/murmur.js'
import { hashFunction } from '../../src/ring/hash/named-hash.js'
import { xxh32 } from '../../src/ring/hash/xxh32.js'
import { jump } from '../../src/ring/jump.js'
import { hashNames } from '../../src/ring/topology.js'

describe('hashes', () => {
  it('xxh32 agrees with xxhash-wasm on any bytes and seed', async () => {
    const { h32Raw } = await xxhash()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(), (bytes, seed) => {
        assert.equal(xxh32(bytes, 0, bytes.length, seed), h32Raw(bytes, seed))
      }),
    )
  })

  it('murmur3 gives the reference vectors', () => {
    const hash = (text: string, seed: number) => murmur3(Buffer.from(text), 0, Buffer.byteLength(text), seed)
    assert.equal(hash('', 0), 0)
    assert.equal(hash('', 1), 0x514e28b7)
    assert.equal(hash('a', 0x9747b28c), 0x7fa09ea6)
    assert.equal(hash('abc', 0x9747b28c), 0xc84a62dd)
    assert.equal(hash('Hello, world!', 0x9747b28c), 0x24884cba)
  })

  it('gives known values of well-known functions', () => {
    const hash = (name: (typeof hashNames)[number], text: string) =>
      hashFunction(name, 'signed')(Buffer.from(text), 0, Buffer.byteLength(text))
    assert.equal(hash('crc32a', '123456789'), 0xcbf43926)
    assert.equal(hash('crc32', '123456789'), (0xcbf43926 >>> 16) & 0x7fff)
    assert.equal(hash('fnv1a_32', 'foobar'), 0xbf9cf968)
    assert.equal(hash('fnv1_32', 'foobar'), 0x31f0b262)
    assert.equal(hash('one_at_a_time', 'a'), 0xca2e9442)
    assert.equal(hash('md5', ''), 0xd98c1dd4)
  })

  it('hashes a part as if it were the whole, to 32 unsigned bits', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 9 }),
        fc.constantFrom(...hashNames),
        (bytes, around, name) => {
          const hash = hashFunction(name, 'signed')
          const whole = hash(bytes, 0, bytes.length)
          const framed = Uint8Array.of(...around, ...bytes, ...around)
          assert.equal(hash(framed, around.length, around.length + bytes.length), whole)
          assert.ok(Number.isInteger(whole) && whole >= 0 && whole < 2 ** 32)
        },
      ),
    )
  })

  it('jump follows the paper, computed with BigInt', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 5_000 }),
        (key, buckets) => {
          assert.equal(jump(key, buckets), paperJump(BigInt(key), buckets))
        },
      ),
    )
  })
})

function paperJump(start: bigint, buckets: number): number {
  let key = start
  let bucket = -1
  let next = 0
  while (next < buckets) {
    bucket = next
    key = BigInt.asUintN(64, key * 2862933555777941757n + 1n)
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(key >> 33n) + 1)))
  }
  return bucket
}
