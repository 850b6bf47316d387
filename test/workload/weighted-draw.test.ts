import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { createWeightedDraw } from '../../src/workload/weighted-draw.js'
import { chiSquareP } from '../support/goodness-of-fit.js'

describe('a weighted draw', () => {
  it('draws each as often as its weight says, and nothing without weight: chi-square, seed 9', () => {
    for (const weights of [
      [3],
      [0, 1],
      [1, 1e-9],
      [5, 0, 2, 0.5, 7],
      Array.from({ length: 100 }, (_, at) => at ** 3),
    ]) {
      const draw = createWeightedDraw(weights, createRandom(9))
      const seen = new Float64Array(weights.length)
      for (let draws = 0; draws < 100_000; draws++) seen[draw()]! += 1
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const p = chiSquareP(
        seen,
        weights.map((weight) => weight / total),
      )
      assert.ok(p > 0.001, `${weights.length} weights: p ${p}`)
      for (const [at, weight] of weights.entries()) if (weight === 0) assert.equal(seen[at], 0)
    }
  })

  it('never draws what has no weight, whatever the rounding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-12, max: 1e12, noNaN: true })), {
          minLength: 1,
          maxLength: 40,
        }),
        (weights) => {
          fc.pre(weights.some((weight) => weight > 0))
          const draw = createWeightedDraw(weights, createRandom(2))
          for (let draws = 0; draws < 300; draws++) assert.ok(weights[draw()]! > 0)
        },
      ),
    )
  })
})
