/** Runs made up with the noise of real machines: drift, bursts, heavy tails. Seeds are fixed: a failure is a change of code. */
import assert from 'node:assert/strict'
import {
  comparePairs,
  leastPairs,
  type SliceMeasures,
  type SlicePair,
} from '../../src/measure/compare-pairs.js'
import { decide } from '../../src/measure/comparison.js'
import { createRandom, type Random } from '../../src/random.js'

interface Noise {
  /** Of one turn, a standard deviation of the logarithm. */
  readonly turn: number
  /** The machine's own way: from the first turn to the last it changes by this share. */
  readonly drift: number
  /** Share of turns in which something else ran: 20 to 60 % slower. */
  readonly disturbed: number
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

/** `slower`: B's true slowdown, as in 0.1. */
function turns(random: Random, pairs: number, noise: Noise, slower = 0): SlicePair[] {
  let at = 0
  const turn = (isB: boolean): SliceMeasures => {
    const drift = 1 + noise.drift * (at++ / (2 * pairs))
    const burst = random.next() < noise.disturbed ? 1.2 + 0.4 * random.next() : 1
    const speed = (Math.exp(noise.turn * normal(random)) / drift / burst) * (isB ? 1 / (1 + slower) : 1)
    return {
      throughputPerSec: 100_000 * speed,
      p50Ms: 0.5 / speed,
      p99Ms: (1 / speed) * Math.exp(2 * noise.turn * normal(random)),
      hitRatio: 0.9 + 0.002 * normal(random),
    }
  }
  return Array.from({ length: pairs }, (_, pair) => {
    if (pair % 2 === 0) {
      const a = turn(false)
      return { a, b: turn(true) }
    }
    const b = turn(true)
    return { a: turn(false), b }
  })
}

const noises: readonly Noise[] = [
  { turn: 0.03, drift: 0, disturbed: 0 },
  { turn: 0.03, drift: 0.3, disturbed: 0.1 },
  { turn: 0.06, drift: -0.2, disturbed: 0.2 },
]

describe('pairs of turns', () => {
  for (const [index, noise] of noises.entries()) {
    it(`of one thing alarm in at most 5 % of runs: ${JSON.stringify(noise)}`, () => {
      const random = createRandom(100 + index)
      let alarms = 0
      for (let run = 0; run < 200; run++) {
        const { verdict } = comparePairs(turns(random, 12, noise), { random, draws: 100 })
        if (verdict === 'better' || verdict === 'worse') alarms += 1
      }
      assert.ok(alarms <= 10, `${alarms} of 200`)
    })
  }

  for (const [pairs, noise] of [
    [10, noises[0]!],
    [20, { turn: 0.04, drift: 0.3, disturbed: 0.05 }],
    [20, { turn: 0.055, drift: 0.1, disturbed: 0.02 }],
  ] as const) {
    it(`find a slowdown by 10 % in ${pairs} pairs: ${JSON.stringify(noise)}`, () => {
      const random = createRandom(7)
      let found = 0
      for (let run = 0; run < 60; run++) {
        const { metrics } = comparePairs(turns(random, pairs, noise, 0.1), { random, draws: 100 })
        if (metrics[0]!.decision === 'worse') found += 1
      }
      assert.ok(found >= 54, `${found} of 60`)
    })
  }

  it('say which way: B faster is better, and its ratio is near the truth', () => {
    const random = createRandom(1)
    const { verdict, metrics } = comparePairs(turns(random, 20, noises[0]!, -0.2), { random })
    assert.equal(verdict, 'better')
    const [throughput, , p99] = metrics
    assert.ok(Math.abs(throughput!.change!.estimate - 1.25) < 0.04)
    assert.ok(throughput!.change!.interval.low < 1.25 && throughput!.change!.interval.high > 1.25)
    assert.ok(p99!.change!.estimate < 1)
  })

  it('too few of them judge nothing, and say so', () => {
    const random = createRandom(1)
    const few = comparePairs(turns(random, leastPairs - 1, noises[0]!, 0.5), { random })
    assert.equal(few.verdict, 'no significant change')
    assert.deepEqual(
      few.metrics.map(({ change, decision }) => [change, decision]),
      few.metrics.map(() => [null, null]),
    )
    assert.match(few.warnings[0]!, /7 pairs show nothing: at least 8/)
  })

  it('leave out what was not measured', () => {
    const random = createRandom(1)
    const blind = turns(random, 12, noises[0]!).map(({ a, b }) => ({
      a: { ...a, hitRatio: null },
      b: { ...b, p50Ms: 0 },
    }))
    const { metrics } = comparePairs(blind, { random, draws: 100 })
    assert.deepEqual(
      metrics.map(({ metric, change }) => [metric, change !== null]),
      [
        ['throughput', true],
        ['p50', false],
        ['p99', true],
        ['hit_ratio', false],
      ],
    )
  })

  it('judge a hit ratio by the difference: 0.99 to 0.97 is worse, though only 2 % less', () => {
    const random = createRandom(9)
    const pairs = turns(random, 12, noises[0]!).map(({ a, b }) => ({
      a,
      b: { ...b, hitRatio: b.hitRatio! - 0.02 },
    }))
    const { metrics } = comparePairs(pairs, { random })
    assert.equal(metrics[3]!.decision, 'worse')
    assert.equal(metrics[3]!.change!.kind, 'difference')
  })
})

describe('a decision', () => {
  const criteria = { moreIsBetter: false, confidence: 0.95, minimumEffect: 0.05 }
  const ratio = (estimate: number, low: number, high: number) => ({
    kind: 'ratio' as const,
    estimate,
    interval: { low, high },
    rawPValue: 0,
  })
  const cases = [
    ['worse', ratio(1.1, 1.02, 1.2), 0.01],
    ['better', ratio(0.9, 0.8, 0.98), 0.01],
    ['no significant change', ratio(1.1, 0.99, 1.2), 0.01],
    ['no significant change', ratio(1.1, 1.02, 1.2), 0.06],
    ['changed, but less than the minimum effect', ratio(1.03, 1.02, 1.04), 0.001],
    ['changed, but less than the minimum effect', ratio(0.97, 0.96, 0.98), 0.001],
  ] as const
  for (const [decision, change, pValue] of cases) {
    it(`${change.estimate} in [${change.interval.low}, ${change.interval.high}] at p ${pValue}: ${decision}`, () => {
      assert.equal(decide(change, pValue, criteria), decision)
    })
  }
})
