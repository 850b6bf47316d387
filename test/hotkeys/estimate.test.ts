import assert from 'node:assert/strict'
import { burstLines, costMicros, pauseMs } from '../../src/hotkeys/burst-schedule.js'
import { type Estimate, estimate } from '../../src/hotkeys/estimate.js'
import { addBurst, createTally, type NodeTally } from '../../src/hotkeys/tally.js'
import { createRandom, type Random } from '../../src/random.js'

const options = { threshold: 0.001, top: 20, opsPerSec: new Map([['n1', 1_000]]) }

/** Bursts whose commands name a key drawn by `draw`. */
function sample(bursts: number, lines: number, draw: (burst: number) => string): NodeTally {
  const tally = createTally('n1')
  for (let burst = 0; burst < bursts; burst++) {
    addBurst(
      tally,
      Array.from({ length: lines }, () => ({ command: 'get', keys: [Buffer.from(draw(burst))] })),
    )
  }
  return tally
}

/** One key with that share, the others even. */
function oneHot(random: Random, share: number, others = 5_000): () => string {
  return () => (random.next() < share ? 'hot' : `cold:${random.below(others)}`)
}

function hot({ keys }: Estimate) {
  return keys.find(({ name }) => name === 'hot')
}

describe('the estimate of hot keys', () => {
  it('holds the truth in its interval, for even traffic and for traffic in waves', () => {
    for (const waves of [false, true]) {
      let covered = 0
      const runs = 200
      for (let seed = 0; seed < runs; seed++) {
        const random = createRandom(seed)
        // in waves the share of a burst is 2 % or 18 %, 10 % on the mean
        const shares = Array.from({ length: 60 }, () => (waves ? (random.next() < 0.5 ? 0.02 : 0.18) : 0.1))
        const tally = sample(60, 100, (burst) => oneHot(random, shares[burst]!)())
        const key = hot(estimate([tally], options))
        if (key && key.shareLow <= 0.1 && 0.1 <= key.shareHigh) covered += 1
      }
      assert.ok(covered >= 0.9 * runs, `${waves ? 'waves' : 'even'}: ${covered} of ${runs}`)
    }
  })

  it('reports no key of uniform traffic', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = createRandom(seed)
      const tally = sample(50, 200, () => `k${random.below(10_000)}`)
      const { keys, upperBound } = estimate([tally], options)
      assert.deepEqual(keys, [], `seed ${seed}`)
      assert.ok(upperBound >= 0.0001 && upperBound < 0.01)
    }
  })

  it('weighs nodes by their traffic, not by how much of it was sampled', () => {
    const random = createRandom(1)
    const busy = sample(50, 100, oneHot(random, 0.5))
    const idle = { ...sample(50, 100, () => `idle:${random.below(5_000)}`), node: 'n2' }
    const { keys } = estimate([busy, idle], {
      ...options,
      opsPerSec: new Map([
        ['n1', 9_000],
        ['n2', 1_000],
      ]),
    })
    assert.ok(Math.abs(keys[0]!.share - 0.45) < 0.02)
    assert.ok(Math.abs(keys[0]!.opsPerSec - 4_500) < 200)
    assert.deepEqual(keys[0]!.nodes, ['n1'])
  })

  it('sorts by share, keeps the top, and says what commands ask for a key', () => {
    const random = createRandom(2)
    const tally = createTally('n1')
    for (let burst = 0; burst < 40; burst++) {
      addBurst(
        tally,
        Array.from({ length: 100 }, (_, line) => ({
          command: line % 4 === 0 ? 'set' : 'get',
          keys: [Buffer.from(line < 20 ? 'a' : line < 30 ? 'b' : `c${random.below(2_000)}`)],
        })),
      )
    }
    const { keys } = estimate([tally], { ...options, top: 2 })
    assert.deepEqual(
      keys.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.deepEqual(keys[0]!.commands, { get: 0.75, set: 0.25 })
  })

  it('of nothing says that it knows nothing', () => {
    const { keys, sampledCommands, upperBound } = estimate([createTally('n1')], options)
    assert.deepEqual({ keys, sampledCommands, upperBound }, { keys: [], sampledCommands: 0, upperBound: 1 })
  })
})

describe('the schedule of bursts', () => {
  it('keeps each node within its budget on the mean, however many take turns', () => {
    const random = createRandom(5)
    for (const nodeCount of [1, 3, 10]) {
      const micros = costMicros(300, 300 * 80)
      let totalMs = 0
      for (let burst = 0; burst < 20_000; burst++)
        totalMs += pauseMs(micros, { budget: 0.01, nodeCount, random })
      const share = (20_000 * micros) / 1_000 / (totalMs * nodeCount)
      assert.ok(Math.abs(share - 0.01) < 0.0003, `${share}`)
    }
  })

  it('takes fewer lines where they are long', () => {
    assert.equal(burstLines(60), 500)
    assert.ok(burstLines(1_000) < 150)
    assert.equal(burstLines(1_000_000), 50)
  })
})
