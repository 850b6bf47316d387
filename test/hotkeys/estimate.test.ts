import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type EstimateOptions, estimate } from '../../src/hotkeys/estimate.js'
import { shareOf, studentQuantile, unseenBound, weightedSum } from '../../src/hotkeys/interval.js'
import { isSettled } from '../../src/hotkeys/stop-rule.js'
import { Tally } from '../../src/hotkeys/tally.js'
import { createRandom } from '../../src/random.js'
import {
  type Sampling,
  sampledBursts,
  spike,
  type Traffic,
  uniform,
  zipf,
} from '../support/sampled-traffic.js'

const threshold = 0.005
const options: EstimateOptions = {
  threshold,
  top: 100,
  opsPerSec: new Map([['n1', 50_000]]),
}

function tallyOf(traffic: Traffic, sampling: Sampling, seed: number): Tally {
  const tally = new Tally(sampling.node ?? 'n1', { threshold })
  for (const burst of sampledBursts(traffic, sampling, createRandom(seed))) tally.add(burst)
  return tally
}

const numberOf = (name: string) => Number(name.slice(2))
/** Bursts of 300 on the mean, 10 a second. */
const usual = { lines: [100, 500], opsPerSec: 50_000, pauseMs: 100 } as const

describe('hot keys of simulated traffic', () => {
  const cases: [name: string, traffic: Traffic, sampling: Sampling, judged: number, runs: number][] = [
    ['zipf 0.99', zipf(100_000, 0.99), { ...usual, bursts: 80 }, 30, 60],
    ['zipf 1.2', zipf(100_000, 1.2), { ...usual, bursts: 80 }, 30, 60],
    ['zipf 1.2 from few bursts', zipf(100_000, 1.2), { ...usual, bursts: 25 }, 30, 60],
    ['a periodic spike', spike(2_000), { ...usual, pauseMs: 130, bursts: 80 }, 1, 100],
    ['a periodic spike in short bursts', spike(2_000), { ...usual, lines: [100, 100], bursts: 80 }, 1, 100],
  ]
  for (const [name, traffic, sampling, judged, runs] of cases) {
    it(`${name}: intervals cover the truth, nothing is called certain that is not, and hot keys are found`, () => {
      let [covered, wrong, hot, found, reported, right] = [0, 0, 0, 0, 0, 0]
      for (let seed = 0; seed < runs; seed++) {
        const tally = tallyOf(traffic, sampling, seed)
        const { keys } = estimate([tally], options)
        const named = new Map(keys.map((key) => [numberOf(key.name), key]))
        for (let key = 0; key < judged; key++) {
          const counted = tally.keys.get(`k:${key}`)
          const truth = traffic.shareOf(key)
          if (!counted) continue
          const { low, high } = shareOf(counted, tally)
          if (low <= truth && truth <= high) covered += 1
          const isGrey = low < threshold && threshold < high
          if (isGrey || truth < threshold) continue
          hot += 1
          if (named.has(key)) found += 1
        }
        for (const [key, { certainty, nodes }] of named) {
          const isHot = traffic.shareOf(key) >= threshold
          if (certainty === 'certain' && !isHot) wrong += 1
          if (nodes[0]!.share.low < threshold && threshold < nodes[0]!.share.high) continue
          reported += 1
          if (isHot) right += 1
        }
      }
      assert.equal(wrong, 0, 'certain, and not hot')
      assert.ok(covered >= 0.92 * judged * runs, `${covered} of ${judged * runs} covered`)
      assert.ok(found >= 0.95 * hot, `${found} of ${hot} found`)
      assert.ok(right >= 0.95 * reported, `${right} of ${reported} right`)
    })
  }

  it('uniform: reports none, says up to where, and is settled soon', () => {
    for (let seed = 0; seed < 40; seed++) {
      const tally = tallyOf(uniform(50_000), { ...usual, bursts: 50 }, seed)
      const found = estimate([tally], options)
      assert.deepEqual(found.keys, [], `seed ${seed}`)
      assert.ok(found.upperBound > 1 / 50_000 && found.upperBound < threshold, `${found.upperBound}`)
      assert.ok(isSettled(found, options.opsPerSec), `seed ${seed}`)
    }
  })

  it('all keys just below the threshold: none is called certain', () => {
    // 210 keys of 0.476 %: the most chances there are to be wrong
    for (let seed = 0; seed < 40; seed++) {
      const { keys } = estimate([tallyOf(uniform(210), { ...usual, bursts: 60 }, seed)], options)
      assert.equal(keys.filter(({ certainty }) => certainty === 'certain').length, 0, `seed ${seed}`)
    }
  })

  it('the bound holds for what is not shown, whatever was cut off or never seen', () => {
    const traffic = zipf(100_000, 0.99)
    let held = 0
    for (let seed = 0; seed < 60; seed++) {
      const tally = tallyOf(traffic, { ...usual, bursts: 30 }, seed)
      const { keys, upperBound } = estimate([tally], { ...options, top: 3 })
      const shown = new Set(keys.map(({ name }) => numberOf(name)))
      const largest = Math.max(
        ...Array.from({ length: 100 }, (_, key) => (shown.has(key) ? 0 : traffic.shareOf(key))),
      )
      if (upperBound >= largest) held += 1
    }
    assert.ok(held >= 0.95 * 60, `${held} of 60`)
  })

  it('of zipf ends when the shares are known to 15 %, not before', () => {
    const traffic = zipf(100_000, 0.99)
    const few = estimate([tallyOf(traffic, { ...usual, bursts: 40 }, 1)], options)
    const many = estimate([tallyOf(traffic, { ...usual, bursts: 300 }, 1)], options)
    assert.equal(isSettled(few, options.opsPerSec), false)
    assert.equal(isSettled(many, options.opsPerSec), true)
    for (const { nodes } of many.keys)
      for (const { share } of nodes) assert.ok(share.high - share.low <= 0.3 * share.value)
  })
})

describe('the estimate', () => {
  it('weighs nodes by their traffic, not by how much of it was sampled', () => {
    const hot: Traffic = {
      shareOf: () => 0,
      draw: (_, random) => (random.next() < 0.5 ? 0 : 1 + random.below(5_000)),
    }
    const opsPerSec = new Map([
      ['busy', 9_000],
      ['idle', 1_000],
    ])
    const busy = tallyOf(hot, { ...usual, bursts: 40, node: 'busy' }, 1)
    const idle = tallyOf(uniform(5_000), { ...usual, bursts: 200, node: 'idle' }, 2)
    const [key] = estimate([idle, busy], { ...options, opsPerSec }).keys
    assert.ok(Math.abs(key!.ring.value - 0.45) < 0.02)
    assert.ok(Math.abs(key!.opsPerSec.value - 4_500) < 200)
    assert.ok(key!.opsPerSec.low < 4_500 && 4_500 < key!.opsPerSec.high)
    assert.equal(key!.nodes[0]!.node, 'busy')
    assert.ok(Math.abs(key!.nodes[0]!.share.value - 0.5) < 0.02)
  })

  it('ranks what differs and ties what may not', () => {
    // shares 20 %, 10 %, 5 %, 5 %
    const steps: Traffic = {
      shareOf: () => 0,
      draw: (_, random) => {
        const at = random.next()
        return at < 0.2 ? 0 : at < 0.3 ? 1 : at < 0.35 ? 2 : at < 0.4 ? 3 : 4 + random.below(5_000)
      },
    }
    let tied = 0
    for (let seed = 0; seed < 20; seed++) {
      const { keys } = estimate([tallyOf(steps, { ...usual, bursts: 60 }, seed)], options)
      const ranks = new Map(keys.map(({ name, rank, tie }) => [numberOf(name), { rank, tie }]))
      assert.deepEqual(
        [ranks.get(0), ranks.get(1)],
        [
          { rank: 1, tie: undefined },
          { rank: 2, tie: undefined },
        ],
      )
      if (ranks.get(2)!.rank === 3 && ranks.get(3)!.rank === 3 && ranks.get(2)!.tie === 1) tied += 1
    }
    assert.ok(tied >= 18, `${tied} of 20`)
  })

  it('says what asks for a key, who, and how many bytes', () => {
    const tally = new Tally('n1', { threshold })
    for (let burst = 0; burst < 40; burst++) {
      const commands = Array.from({ length: 100 }, (_, line) => ({
        command: line % 4 === 0 ? 'set' : 'get',
        keys: [line < 20 ? 'hot' : `c${burst}:${line}`],
        bytes: 50,
        client: line < 16 ? '10.0.0.1:1' : '10.0.0.2:2',
      }))
      tally.add({ node: 'n1', atMs: burst * 100, commands })
    }
    const [key] = estimate([tally], options).keys
    assert.deepEqual(Object.keys(key!.mix), ['get', 'set'])
    assert.ok(Math.abs(key!.mix.get! - 0.75) < 0.01)
    assert.ok(Math.abs(key!.writeShare - 0.25) < 0.01)
    assert.equal(key!.bytesPerSec, 50 * 10_000)
    assert.equal(key!.clients[0]!.client, '10.0.0.1:1')
    assert.ok(Math.abs(key!.clients[0]!.share - 0.8) < 0.02)
    assert.equal(key!.clients[0]!.ofNode, 0.16)
  })

  it('of nothing says that it knows nothing', () => {
    const { keys, samples, upperBound } = estimate([new Tally('n1')], options)
    assert.deepEqual({ keys, samples, upperBound }, { keys: [], samples: 0, upperBound: 1 })
    assert.equal(isSettled(estimate([new Tally('n1')], options), options.opsPerSec), false)
  })

  it('has intervals that hold their value and stay in [0, 1], whatever is counted', () => {
    const burst = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 30 }), (bursts) => {
        const tally = new Tally('n1', { threshold })
        bursts.forEach((names, at) => {
          const commands = names.map((name) => ({ command: 'get', keys: [name], bytes: 1, client: '' }))
          tally.add({ node: 'n1', atMs: at, commands })
        })
        for (const { nodes } of estimate([tally], options).keys)
          for (const { share } of nodes) {
            assert.ok(0 <= share.low && share.low <= share.value + 1e-12, JSON.stringify(share))
            assert.ok(share.value <= share.high + 1e-12 && share.high <= 1, JSON.stringify(share))
          }
      }),
    )
  })
})

describe('intervals', () => {
  it('take their quantiles from the tables', () => {
    for (const [error, freedom, expected] of [
      [0.05, 1, 12.706],
      [0.05, 4, 2.776],
      [0.05, 10, 2.228],
      [0.05, 29, 2.045],
      [0.001, 4, 8.61],
      [0.001, 29, 3.659],
      [0.05, 1e6, 1.96],
    ] as const)
      assert.ok(Math.abs(studentQuantile(error, freedom) / expected - 1) < 0.005, `${error} ${freedom}`)
  })

  it('of a weighted sum is that of its only part, scaled', () => {
    const { value, low, high } = weightedSum([{ share: { value: 0.2, low: 0.1, high: 0.4 }, weight: 0.5 }])
    for (const [found, expected] of [
      [value, 0.1],
      [low, 0.05],
      [high, 0.2],
    ] as const)
      assert.ok(Math.abs(found - expected) < 1e-12)
  })

  it('bound what was never seen with every key taken into account', () => {
    const bound = unseenBound(20_000)
    assert.ok(Math.abs((1 / bound) * Math.exp(-20_000 * bound) - 0.05) < 1e-6)
    assert.equal(unseenBound(0), 1)
    assert.equal(unseenBound(2), 1)
  })
})
