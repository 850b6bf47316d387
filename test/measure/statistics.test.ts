import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  autocorrelation,
  bootstrapInterval,
  holm,
  inBlocks,
  mannWhitney,
  mean,
  median,
  normalTail,
  resample,
  signFlip,
} from '../../src/measure/statistics.js'
import { createRandom } from '../../src/random.js'

const near = (actual: number, expected: number, within = 1e-4) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not about ${expected}`)
const upTo = (n: number, from = 1) => Array.from({ length: n }, (_, index) => from + index)

describe('statistics', () => {
  it("agree with Mann and Whitney's critical values at 5 %, two-sided", () => {
    // [size, size, largest U that is significant], from the tables in Siegel's Nonparametric Statistics (1956)
    for (const [n, m, critical] of [
      [4, 4, 0],
      [5, 5, 2],
      [8, 8, 13],
      [10, 10, 23],
      [12, 15, 49],
      [20, 20, 127],
    ] as const) {
      assert.ok(pOfU(n, m, critical) <= 0.05, `U ${critical} of ${n} and ${m}`)
      assert.ok(pOfU(n, m, critical + 1) > 0.05, `U ${critical + 1} of ${n} and ${m}`)
    }
  })

  /** Two samples without ties, `u` of whose pairs have the first one larger. */
  function pOfU(n: number, m: number, u: number): number {
    const b = upTo(m)
    const a = upTo(n).map((_, index) => {
      const above = Math.max(0, Math.min(m, u - index * m))
      return above + 0.5 + index / 1_000
    })
    assert.equal(mannWhitney(a, b).u, u)
    return mannWhitney(a, b).pValue
  }

  it('count out small samples by hand: of 20 ways to deal 1 to 6, two are as far apart as 1 2 3 and 4 5 6', () => {
    near(mannWhitney([1, 2, 3], [4, 5, 6]).pValue, 0.1, 1e-12)
    near(mannWhitney([1, 1], [1, 1]).pValue, 1, 1e-12)
    // ties: 0 0 | 0 1 has ranks 2 2 2 4, of 6 ways none is farther
    near(mannWhitney([0, 0], [0, 1]).pValue, 1, 1e-12)
  })

  it('approximate large samples as exact ones, with and without ties', () => {
    const random = createRandom(11)
    for (const round of [1, 1_000]) {
      const draw = (shift: number) => upTo(20).map(() => Math.round((random.next() + shift) * 10 * round))
      const [a, b] = [draw(0), draw(0.2)]
      const exact = mannWhitney(a, b).pValue
      // one more value on each side, at either end, forces the approximation and changes next to nothing
      const large = mannWhitney([...a, -1e9], [...b, -1e9]).pValue
      near(large, exact, 0.03)
    }
  })

  it("give Fisher's own figure for Darwin's maize: 863 of 32,768 ways on either side", () => {
    // heights of 15 pairs of plants, crossed minus self-fertilized, in eighths of an inch
    const darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    near(signFlip(darwin, Number.POSITIVE_INFINITY), (2 * 863) / 2 ** 15, 1e-9)
  })

  it('throw every coin: as many ways by hand', () => {
    const differences = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(differences, (values) => {
        const kept = values.filter((value) => value !== 0)
        const most = kept.length === 0 ? 0 : median(kept.map(Math.abs))
        const capped = kept.map((value) => Math.sign(value) * Math.min(Math.abs(value), most))
        const found = Math.abs(capped.reduce((sum, value) => sum + value, 0))
        let far = 0
        for (let coins = 0; coins < 2 ** kept.length; coins++) {
          const sum = capped.reduce((total, value, i) => total + ((coins >> i) & 1 ? value : -value), 0)
          if (Math.abs(sum) >= found - 1e-9) far += 1
        }
        near(signFlip(values), far / 2 ** kept.length, 1e-9)
      }),
    )
  })

  it('give a disturbed pair one vote: a large difference the other way changes little', () => {
    const differences = [3, 2, 3, 4, 2, 3, 3, 2, 4, 3]
    assert.ok(signFlip([...differences, -500]) < 0.02)
    assert.ok(signFlip([...differences, -500], Number.POSITIVE_INFINITY) > 0.9)
    assert.equal(signFlip([0, 0]), 1)
  })

  it('know the normal distribution', () => {
    near(2 * normalTail(1.959964), 0.05, 1e-6)
    near(normalTail(0), 0.5, 1e-6)
    near(normalTail(4), 3.167e-5, 1e-7)
  })

  it('do not depend on the order or the unit of the values', () => {
    const samples = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(samples, samples, fc.integer({ min: 1, max: 9 }), (a, b, unit) => {
        const { pValue } = mannWhitney(a, b)
        near(mannWhitney(b, a).pValue, pValue, 1e-9)
        near(
          mannWhitney(
            [...a].reverse().map((v) => v * unit),
            b.map((v) => v * unit),
          ).pValue,
          pValue,
          1e-9,
        )
        assert.ok(pValue >= 0 && pValue <= 1)
      }),
    )
  })

  it('know the middle', () => {
    assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3]), mean([1, 2, 6])], [2, 2.5, 3])
  })

  it('put the true mean into nineteen of twenty intervals', () => {
    const random = createRandom(5)
    let inside = 0
    for (let round = 0; round < 200; round++) {
      const values = upTo(30).map(() => random.next() + random.next() + random.next())
      const { low, high } = bootstrapInterval(() => mean(resample(values, random)), {
        confidence: 0.95,
        draws: 200,
      })
      if (low <= 1.5 && 1.5 <= high) inside += 1
    }
    assert.ok(inside >= 180 && inside <= 198, `${inside} of 200`)
  })

  it('draw neighbours together', () => {
    const drawn = resample(upTo(100, 0), createRandom(1), 5)
    assert.equal(drawn.length, 100)
    for (let at = 0; at < 100; at += 5)
      for (let i = 1; i < 5; i++) assert.equal(drawn[at + i], (drawn[at]! + i) % 100)
  })

  it('tell values that resemble their neighbours from those that do not', () => {
    const random = createRandom(3)
    const noise = upTo(400).map(() => random.next())
    let level = 0
    const drift = noise.map((value) => {
      level = 0.8 * level + value
      return level
    })
    near(autocorrelation(noise), 0, 0.15)
    near(autocorrelation(drift), 0.8, 0.15)
    assert.equal(autocorrelation([2, 2, 2]), 0)
    assert.deepEqual(inBlocks([1, 3, 5, 7, 9], 2), [2, 6])
  })

  it('raise p-values by how many there are', () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.6])
    for (const [index, expected] of [0.04, 0.09, 0.09, 0.6].entries()) near(adjusted[index]!, expected, 1e-12)
  })
})
