import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { createNormal, normalCdf, normalQuantile } from '../../src/workload/normal.js'
import {
  createAmountDraw,
  createSizeDraw,
  createSizeQuantile,
  meanOf,
  quantileOf,
  type SizeDistribution,
  shareBelow,
} from '../../src/workload/size-distribution.js'
import { formatLatencyMs, formatSize, parseLatencyMs, parseSize } from '../../src/workload/size-text.js'
import { kolmogorovP } from '../support/goodness-of-fit.js'

const histogram: SizeDistribution = {
  kind: 'histogram',
  from: [1, 10, 100],
  to: [1, 19, 399],
  weights: [2, 1, 1],
}
const continuous: SizeDistribution[] = [
  parseSize('uniform:100..100000'),
  parseSize('lognormal:8,0.5'),
  parseSize('lognormal:8,2,100..1mb'),
  parseSize('lognormal:8,1,20000..30000'),
  parseSize('pareto:0,214.476,0.348238'),
  parseSize('pareto:15,500,0'),
  parseSize('pareto:15,500,-0.5'),
  parseSize('pareto:100,2000,1,50000'),
  parseSize('pareto:100,2000,1.7,50000'),
]

describe('the normal distribution', () => {
  it('has its published values', () => {
    for (const [x, share] of [
      [0, 0.5],
      [1, 0.841344746068543],
      [-2.5, 0.006209665325776132],
      [5, 0.9999997133484281],
      [-7, 1.2798125438858352e-12],
    ] as const)
      assert.ok(Math.abs(normalCdf(x) / share - 1) < 1e-9, `${x}: ${normalCdf(x)}`)
  })

  it('is drawn exactly, its tail too', () => {
    const normal = createNormal(createRandom(3))
    const drawn = Float64Array.from({ length: 200_000 }, normal)
    const beyond = drawn.filter((x) => x > 3.45 || x < -3.45)
    assert.ok(kolmogorovP(drawn, normalCdf) > 0.001)
    const tail = 2 * normalCdf(-3.45)
    assert.ok(Math.abs(beyond.length - tail * 200_000) < 4 * Math.sqrt(tail * 200_000))
    const p = kolmogorovP(
      beyond.map((x) => Math.abs(x)),
      (x) => 1 - normalCdf(-x) / normalCdf(-3.45),
    )
    assert.ok(p > 0.001, `tail p ${p}`)
  })

  it('has an inverse', () => {
    fc.assert(
      fc.property(fc.double({ min: -8, max: 5.5, noNaN: true }), (x) => {
        assert.ok(Math.abs(normalQuantile(normalCdf(x)) - x) < 1e-7)
      }),
    )
  })
})

describe('sizes', () => {
  it('are read from text and written back', () => {
    const texts = {
      '100': { kind: 'fixed', value: 100 },
      '1k': { kind: 'fixed', value: 1_000 },
      '1.5KB': { kind: 'fixed', value: 1_536 },
      '512mb': { kind: 'fixed', value: 2 ** 29 },
      'uniform:10..1k': { kind: 'uniform', min: 10, max: 1_000 },
      'lognormal:5,0.8': { kind: 'lognormal', mu: 5, sigma: 0.8, min: 0, max: 2 ** 29 },
      'lognormal:-0.5,1,1..4kb': { kind: 'lognormal', mu: -0.5, sigma: 1, min: 1, max: 4_096 },
      'pareto:0,214.476,0.35': { kind: 'pareto', location: 0, scale: 214.476, shape: 0.35, max: 2 ** 29 },
      'pareto:16,30,-0.2,1m': { kind: 'pareto', location: 16, scale: 30, shape: -0.2, max: 1e6 },
    }
    for (const [text, spec] of Object.entries(texts)) {
      assert.deepEqual(parseSize(text), spec)
      assert.deepEqual(parseSize(formatSize(parseSize(text))), spec, text)
    }
    assert.ok(Math.abs(meanOf(parseSize('lognormal:mean=300,sigma=0.8')) - 300) < 0.01)
    assert.match(formatSize(histogram), /3 ranges/)
  })

  it('are refused with what was expected', () => {
    for (const text of [
      '',
      '-1',
      '1x',
      '0.5',
      '1gb',
      'uniform:5',
      'uniform:9..5',
      'lognormal:1',
      'lognormal:1,0',
      'lognormal:mean=0,sigma=1',
      'lognormal:1,1,5',
      'lognormal:1,0.1,1000..2000',
      'pareto:1,2',
      'pareto:1,0,0',
      'pareto:1,2,11',
      'pareto:9,1,1,5',
      'gauss:1,2',
    ])
      assert.throws(() => parseSize(text), { exitCode: 2, message: /^size .*expected/ }, text)
  })

  it('of time have units', () => {
    assert.deepEqual(parseLatencyMs('5ms'), { kind: 'fixed', value: 5 })
    assert.deepEqual(parseLatencyMs('uniform:0.5ms..1s'), { kind: 'uniform', min: 0.5, max: 1_000 })
    assert.ok(Math.abs(meanOf(parseLatencyMs('lognormal:mean=5ms,sigma=0.5')) - 5) < 1e-6)
    for (const text of ['5ms', 'uniform:0.5ms..1000ms', 'lognormal:1,0.5', 'pareto:1ms,2ms,0.3,10000ms'])
      assert.equal(formatLatencyMs(parseLatencyMs(text)), text)
    for (const text of ['5', '2h', 'pareto:1,2,0.3'])
      assert.throws(() => parseLatencyMs(text), { exitCode: 2, message: /^latency / }, text)
  })

  for (const spec of [...continuous, histogram]) {
    it(`${formatSize(spec)}: draws, mean, quantiles and shares agree`, () => {
      const isHistogram = spec.kind === 'histogram'
      const draws = 40_000
      const amount = createAmountDraw(spec, createRandom(5))
      const drawn = Float64Array.from({ length: draws }, amount)
      if (!isHistogram) {
        const p = kolmogorovP(Float64Array.from(drawn), (value) => shareBelow(spec, value))
        assert.ok(p > 0.001, `p ${p}`)
      }
      // the exact mean is that of the quantiles at evenly spaced shares, but for the far tail
      const quantiles = Float64Array.from({ length: draws }, (_, at) => quantileOf(spec, (at + 0.5) / draws))
      assert.ok(Math.abs(quantiles.reduce((a, b) => a + b) / draws / meanOf(spec) - 1) < 0.02)
      for (const share of [0.01, 0.3, 0.6, 0.99]) {
        const below = shareBelow(spec, quantileOf(spec, share))
        assert.ok(isHistogram ? below >= share : Math.abs(below - share) < 1e-9, `${share}: ${below}`)
      }
      const size = createSizeDraw(spec, createRandom(5))
      for (let draw = 0; draw < 1_000; draw++) assert.ok(Number.isInteger(size()))
    })
  }

  it('by share are as many of each as are drawn', () => {
    for (const spec of [...continuous, histogram, parseSize('uniform:16..18'), parseSize('77')]) {
      const size = createSizeQuantile(spec)
      const draws = 20_000
      const drawn = Float64Array.from({ length: draws }, createSizeDraw(spec, createRandom(8))).sort()
      for (const share of [0.02, 0.3, 0.5, 0.9]) {
        const value = size(share)
        assert.ok(Number.isInteger(value))
        const [below, upTo] = [lowerBound(drawn, value), lowerBound(drawn, value + 1)]
        assert.ok(
          below / draws < share + 0.02 && upTo / draws > share - 0.02,
          `${formatSize(spec)} ${share}: ${value}`,
        )
      }
      assert.ok(size(0) >= 0 && size(1) <= 2 ** 29)
    }
    const shares = Array.from({ length: 999 }, (_, at) =>
      createSizeQuantile(parseSize('uniform:16..18'))((at + 0.5) / 999),
    )
    for (const value of [16, 17, 18]) assert.equal(shares.filter((each) => each === value).length, 333)
  })
})

/** How many of the sorted values are below. */
function lowerBound(sorted: Float64Array, value: number): number {
  const at = sorted.findIndex((each) => each >= value)
  return at < 0 ? sorted.length : at
}
