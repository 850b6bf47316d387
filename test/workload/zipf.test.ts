import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { createKeyDraw, createScatter, parseDistribution } from '../../src/workload/key-distribution.js'
import { createZipf, zipfProbabilities } from '../../src/workload/zipf.js'

describe('zipf', () => {
  for (const theta of [0.5, 0.99, 1, 1.2]) {
    for (const count of [10, 1_000]) {
      it(`theta ${theta} over ${count} ranks is exact: chi-square`, () => {
        const draws = 200_000
        const rank = createZipf(count, theta, createRandom(42))
        const seen = new Float64Array(count)
        for (let draw = 0; draw < draws; draw++) seen[rank()]! += 1
        const chiSquare = zipfProbabilities(count, theta).reduce(
          (sum, share, index) => sum + (seen[index]! - share * draws) ** 2 / (share * draws),
          0,
        )
        // normal approximation of chi-square, 4 sigma
        assert.ok(chiSquare < count - 1 + 4 * Math.sqrt(2 * (count - 1)), `chi-square ${chiSquare}`)
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

describe('key distributions', () => {
  it('scatter the ranks over the keys, each to its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (count) => {
        const scatter = createScatter(count)
        assert.equal(new Set(Array.from({ length: count }, (_, rank) => scatter(rank))).size, count)
      }),
    )
  })

  it('draw the hottest key as often as zipf says', () => {
    const draw = createKeyDraw({ kind: 'zipf', theta: 0.99 }, 1_000, createRandom(1))
    const hottest = createScatter(1_000)(0)
    let hits = 0
    for (let request = 0; request < 100_000; request++) if (draw() === hottest) hits += 1
    assert.ok(Math.abs(hits / 100_000 - zipfProbabilities(1_000, 0.99)[0]!) < 0.005)
  })

  it('are refused when they are not known', () => {
    for (const text of ['zipf', 'zipf:', 'zipf:0', 'zipf:-1', 'zipf:99', 'gauss', 'zipf:1e3'])
      assert.throws(() => parseDistribution(text), { exitCode: 2 }, text)
  })
})
