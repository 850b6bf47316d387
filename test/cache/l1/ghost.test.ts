import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createGhost } from '../../../src/cache/l1/ghost.js'
import { createKeyHash } from '../../../src/cache/l1/key-hash.js'
import { naiveGhost } from './naive-policies.js'

const seed = 5
const hashOfKey = createKeyHash(seed)

describe('the ghost', () => {
  it('is a queue that forgets its oldest', () => {
    const step = fc.record({ adds: fc.boolean(), index: fc.nat({ max: 60 }) })
    fc.assert(
      fc.property(fc.nat({ max: 40 }), fc.array(step, { maxLength: 300, size: 'max' }), (size, steps) => {
        const ghost = createGhost(size)
        const model = naiveGhost(size)
        for (const { adds, index } of steps) {
          const key = `key:${index}`
          const isHeld = model.take(key)
          assert.equal(ghost.take(hashOfKey(key)), isHeld)
          if (!adds) continue
          ghost.add(hashOfKey(key))
          model.add(key)
        }
      }),
    )
  })

  it('holds as many as it should when most come once', () => {
    const size = 9_000
    const ghost = createGhost(size)
    const hash = (index: number) => hashOfKey(`item:${index}:name`)
    for (let index = 0; index < 100_000; index++) ghost.add(hash(index))
    let heldCount = 0
    for (let index = 0; index < 100_000 - size; index++) if (ghost.take(hash(index))) heldCount += 1
    assert.ok(heldCount < 50, `${heldCount} were taken for others`)
    for (let index = 100_000 - size; index < 100_000; index++) if (ghost.take(hash(index))) heldCount += 1
    assert.equal(heldCount, size)
  })

  it('hashes keys that differ in one place only to different buckets', () => {
    for (const name of [
      (index: number) => `a:${index}`,
      (index: number) => `${index}:a-long-ending-that-all-have`,
      (index: number) => 'x'.repeat(index),
      (index: number) => String.fromCharCode(index),
    ]) {
      const hashes = Array.from({ length: 1_000 }, (_, index) => hashOfKey(name(index)))
      assert.equal(new Set(hashes).size, 1_000)
      const buckets = new Set(hashes.map((hash) => Math.floor((hash / 2 ** 32) * 1_000)))
      // of 1,000 keys thrown at random, 1 − 1/e of the buckets have one
      assert.ok(buckets.size > 580 && buckets.size < 690, `${buckets.size} buckets`)
    }
  })
})
