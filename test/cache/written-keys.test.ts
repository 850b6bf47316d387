import assert from 'node:assert/strict'
import fc from 'fast-check'
import { WrittenKeys } from '../../src/cache/written-keys.js'

describe('keys that are known to have changed', () => {
  it('are never forgotten within a second, however many there are', () => {
    const step = fc.record({ ms: fc.integer({ min: 0, max: 400 }), key: fc.integer({ min: 0, max: 9 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, limit) => {
        let nowMs = 0
        const written = new WrittenKeys(
          clockOf(() => nowMs),
          limit,
        )
        const latest = new Map<number, number>()
        for (const { ms, key } of steps) {
          nowMs += ms
          written.note([Buffer.from(`k${key}`)])
          latest.set(key, nowMs)
          for (const [each, atMs] of latest) {
            const sinceMs = written.sinceMs([Buffer.from(`k${each}`), Buffer.from('never')])
            if (atMs > nowMs - 1_000) assert.ok(sinceMs >= atMs)
          }
        }
      }),
    )
  })

  it('are others than those that did not', () => {
    const written = new WrittenKeys(clockOf(() => 5))
    written.note([Buffer.from('a')])
    assert.equal(written.sinceMs([Buffer.from('a')]), 5)
    assert.equal(written.sinceMs([Buffer.from('b')]), Number.NEGATIVE_INFINITY)
    written.noteAll()
    assert.equal(written.sinceMs([Buffer.from('b')]), 5)
  })
})

function clockOf(nowMs: () => number) {
  return { nowMs, wallMs: nowMs, sleep: () => Promise.resolve() }
}
