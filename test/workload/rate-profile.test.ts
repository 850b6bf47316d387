import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { createArrivals, cumulativeRate } from '../../src/workload/arrivals.js'
import { durationOf, formatRate, type OpenRate, parseRate } from '../../src/workload/rate-profile.js'
import { kolmogorovP } from '../support/goodness-of-fit.js'

function open(text: string, arrivals: 'uniform' | 'poisson' = 'uniform'): OpenRate {
  const profile = parseRate(text, arrivals)
  assert.ok(profile.kind === 'open')
  return profile
}

function allDue(profile: OpenRate, durationMs: number, part = { index: 0, count: 1 }, seed = 1): number[] {
  const schedule = createArrivals(profile, { random: createRandom(seed + part.index), part, durationMs })
  const due: number[] = []
  for (let at = schedule.next(); at < Number.POSITIVE_INFINITY; at = schedule.next()) due.push(at)
  return due
}

const rate = fc.integer({ min: 0, max: 3_000 })
const profiles = fc
  .array(
    fc.record(
      { fromPerSec: rate, toPerSec: rate, durationMs: fc.integer({ min: 1, max: 400 }) },
      { noNullPrototype: true },
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .filter((segments) => segments.some(({ fromPerSec, toPerSec }) => fromPerSec + toPerSec > 0))
  .map((segments): OpenRate => ({ kind: 'open', segments, arrivals: 'uniform' }))

describe('rates', () => {
  it('are read from text', () => {
    const segment = (fromPerSec: number, toPerSec: number, durationMs: number) => ({
      fromPerSec,
      toPerSec,
      durationMs,
    })
    const read = (text: string) => open(text).segments
    assert.deepEqual(parseRate('max'), { kind: 'max' })
    assert.deepEqual(read('500'), [segment(500, 500, 0)])
    assert.deepEqual(read('20k'), [segment(20_000, 20_000, 0)])
    assert.deepEqual(read('1k..50k/60s'), [segment(1_000, 50_000, 60_000)])
    assert.deepEqual(read('step:5k,10k,20k/30s'), [
      segment(5_000, 5_000, 30_000),
      segment(10_000, 10_000, 30_000),
      segment(20_000, 20_000, 30_000),
    ])
    assert.deepEqual(read('5k/10s,5k..1.5M/2m,20'), [
      segment(5_000, 5_000, 10_000),
      segment(5_000, 1_500_000, 120_000),
      segment(20, 20, 0),
    ])
    assert.equal(open('5', 'poisson').arrivals, 'poisson')
    assert.equal(durationOf(open('5k/10s,1k/500ms')), 10_500)
    assert.equal(durationOf(open('5k/10s,1k')), 0)
  })

  it('are refused with what was expected', () => {
    for (const text of [
      '',
      'fast',
      '-5',
      '1e3',
      '5k,6k',
      '5k/0s',
      '5k/3',
      '1..2..3',
      'step:5k',
      '0',
      '2000M',
      '5k/s',
    ])
      assert.throws(() => parseRate(text), { exitCode: 2, message: /^rate / }, text)
  })

  it('are written as the text they are read from', () => {
    fc.assert(fc.property(profiles, (profile) => assert.deepEqual(parseRate(formatRate(profile)), profile)))
    assert.equal(formatRate(open('20k')), '20k')
    assert.equal(formatRate(open('1k..1.5k/90s,1234/1h')), '1k..1.5k/90s,1234/1h')
    assert.equal(formatRate({ kind: 'trace', speed: 2 }), 'trace:2x')
  })
})

describe('arrivals', () => {
  it('of several threads are together the schedule of one', () => {
    fc.assert(
      fc.property(
        profiles,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 2_000 }),
        (profile, count, ms) => {
          const parts = Array.from({ length: count }, (_, index) => allDue(profile, ms, { index, count }))
          assert.deepEqual(
            parts.flat().sort((a, b) => a - b),
            allDue(profile, ms),
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('follow the integral of the rate: never off by more than one request', () => {
    fc.assert(
      fc.property(profiles, fc.integer({ min: 1, max: 2_000 }), (profile, durationMs) => {
        const expected = cumulativeRate(profile, durationMs)
        const due = allDue(profile, durationMs)
        assert.ok(Math.abs(due.length - expected.total) <= 1)
        due.forEach((at, index) => {
          assert.ok(at >= (due[index - 1] ?? 0) && at <= durationMs)
          assert.ok(Math.abs(expected.expectedAt(at) - index) < 1e-6, `request ${index} at ${at} ms`)
          assert.ok(Math.abs(expected.dueMs(index) - at) < 1e-9)
        })
      }),
      { numRuns: 50 },
    )
  })

  it('of a ramp number its mean rate times its length', () => {
    assert.equal(allDue(open('1k..5k/2s'), 2_000).length, 6_000)
    assert.equal(allDue(open('0..1k/1s'), 1_000).length, 500)
    assert.equal(allDue(open('1k..0/1s'), 1_000).length, 500)
    assert.equal(allDue(open('step:1k,2k/500ms'), 1_000).length, 1_500)
  })

  it('keep the last rate until the phase ends, and end with it', () => {
    assert.equal(allDue(open('1k/1s,2k/1s'), 4_000).length, 7_000)
    assert.equal(allDue(open('1k/1s,2k/1s'), 500).length, 500)
    assert.equal(allDue(open('1k/1s,3k..1k'), 3_000).length, 5_000)
    assert.equal(allDue(open('3333'), 3_000).length, 9_999)
    assert.equal(allDue(open('1k/1s,0/1s,1k'), 3_000).length, 2_000)
  })

  it('of a phase without end do not end, a ramp without end is refused', () => {
    const options = { random: createRandom(1), part: { index: 1, count: 2 }, durationMs: 0 }
    const schedule = createArrivals(open('100'), options)
    assert.deepEqual([schedule.next(), schedule.next()], [10, 30])
    assert.throws(() => createArrivals(open('1k..2k'), options), { exitCode: 2, message: /has no end/ })
  })

  it('of a Poisson process have exponential gaps, merged threads too', () => {
    for (const count of [1, 3]) {
      const parts = Array.from({ length: count }, (_, index) =>
        allDue(open('10k', 'poisson'), 5_000, { index, count }, 7),
      )
      const due = parts.flat().sort((a, b) => a - b)
      const gaps = Float64Array.from(due, (at, index) => at - (due[index - 1] ?? 0))
      const p = kolmogorovP(gaps, (gap) => -Math.expm1(-gap * 10))
      assert.ok(p > 0.001, `${count} threads: p ${p}`)
    }
  })

  it('of a Poisson ramp are uniform in operational time', () => {
    const profile = open('1k..20k/2s,3k', 'poisson')
    const expected = cumulativeRate(profile, 4_000)
    const due = allDue(profile, 4_000, undefined, 11)
    assert.ok(Math.abs(due.length - expected.total) < 4 * Math.sqrt(expected.total))
    const p = kolmogorovP(Float64Array.from(due), (at) => expected.expectedAt(at) / expected.total)
    assert.ok(p > 0.001, `p ${p}`)
  })
})
