import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createReader, fillValue, stampBytes, writeStamp } from '../../../src/redis/load/values.js'

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const length = fc.oneof(fc.integer({ min: stampBytes, max: 200 }), fc.integer({ min: 4_000, max: 9_000 }))

function stamped(run: number, key: number, version: number, bytes: number): Buffer {
  const value = fillValue(bytes)
  writeStamp(value, 0, { run, key, version }, bytes)
  return value
}

describe('verified values', () => {
  it('are read back wherever they lie, with the version they were written with', () => {
    fc.assert(
      fc.property(word, word, word, length, fc.nat({ max: 9 }), (run, key, version, bytes, before) => {
        const around = Buffer.concat([
          Buffer.alloc(before),
          stamped(run, key, version, bytes),
          Buffer.alloc(3),
        ])
        const verdict = createReader(run)(around, before, before + bytes, key)
        assert.deepEqual(verdict, { kind: 'ours', version })
      }),
    )
  })

  it('any byte that differs is seen', () => {
    fc.assert(
      fc.property(length, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, place, flip) => {
        const value = stamped(1, 2, 3, bytes)
        value[place % bytes]! ^= flip
        assert.equal(createReader(1)(value, 0, bytes, 2).kind, 'wrong')
      }),
    )
  })

  it('a value of another key, or cut short, is wrong; of another run it is foreign', () => {
    const value = stamped(1, 2, 3, 100)
    assert.equal(createReader(1)(value, 0, 100, 7).kind, 'wrong')
    assert.equal(createReader(1)(value, 0, 99, 2).kind, 'wrong')
    assert.equal(createReader(1)(value, 0, 10, 2).kind, 'wrong')
    assert.equal(createReader(9)(value, 0, 100, 2).kind, 'foreign')
  })
})
