import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { createZipf, zipfProbabilities } from '../../src/workload/zipf.js'
import { chiSquareP } from '../support/goodness-of-fit.js'

describe('zipf', () => {
  const seed = 42
  for (const theta of [0.1, 0.5, 0.99, 1, 1.2, 4]) {
    for (const count of [1, 10, 1_000, 200_000]) {
      it(`theta ${theta} over ${count} ranks is exact: chi-square, seed ${seed}`, () => {
        const rank = createZipf(count, theta, createRandom(seed))
        const seen = new Float64Array(count)
        for (let draw = 0; draw < 200_000; draw++) seen[rank()]! += 1
        const p = chiSquareP(seen, zipfProbabilities(count, theta))
        assert.ok(p > 0.0005, `p ${p}`)
      })
    }
  }

  it('stays in range for any count and theta', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50_000_000 }),
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        (count, theta) => {
          const rank = createZipf(count, theta, createRandom(7))
          for (let draw = 0; draw < 50; draw++) {
            const drawn = rank()
            assert.ok(Number.isInteger(drawn) && drawn >= 0 && drawn < count)
          }
        },
      ),
    )
  })
})
