import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Pending } from '../../../src/redis/load/pending.js'

describe('pending requests', () => {
  it('come out in the order they went in, whatever they grew to', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (steps) => {
        const pending = new Pending()
        const expected: number[] = []
        let next = 0
        for (const isPush of steps) {
          if (isPush || expected.length === 0) {
            const request = { key: next, valueBytes: next + 1, ttlSeconds: next + 2 }
            pending.push(next & 0xffff, request, next, next + 0.5, next + 3, 1)
            expected.push(next++)
            continue
          }
          const number = expected.shift()!
          const slot = pending.first
          assert.deepEqual(
            [pending.keys[slot], pending.valueBytes[slot], pending.ttlSeconds[slot], pending.floors[slot]],
            [number, number + 1, number + 2, number + 3],
          )
          assert.deepEqual([pending.sentMs[slot], pending.dueMs[slot]], [number, number + 0.5])
          pending.dropFirst()
        }
        assert.deepEqual(
          expected.map((_, index) => pending.keys[pending.slotAt(index)]),
          expected,
        )
      }),
    )
  })
})
