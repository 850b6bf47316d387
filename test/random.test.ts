import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../src/random.js'

const seeds = fc.nat({ max: 2 ** 31 - 1 })

describe('the seeded generator', () => {
  it('repeats its stream for a seed, and has another for another', () => {
    const stream = (seed: number) => {
      const random = createRandom(seed)
      return Array.from({ length: 20 }, () => random.uint32())
    }
    fc.assert(
      fc.property(seeds, seeds, (a, b) => {
        assert.deepEqual(stream(a), stream(a))
        if (a !== b) assert.notDeepEqual(stream(a), stream(b))
      }),
    )
  })

  it('is uniform: chi-square over 64 cells', () => {
    for (const seed of [0, 1, 2, 12_345]) {
      const random = createRandom(seed)
      const cells = new Array<number>(64).fill(0)
      for (let draw = 0; draw < 64_000; draw++) cells[random.below(64)]! += 1
      const chiSquare = cells.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)
      // 63 degrees of freedom: 103.4 is exceeded once in a thousand
      assert.ok(chiSquare < 103.4, `seed ${seed}: ${chiSquare}`)
    }
  })

  it('stays in its range', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
        const random = createRandom(seed)
        const drawn = random.below(bound)
        assert.ok(Number.isInteger(drawn) && drawn >= 0 && drawn < bound)
        const share = random.next()
        assert.ok(share >= 0 && share < 1)
      }),
    )
  })
})
