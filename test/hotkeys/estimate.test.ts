import assert from 'node:assert/strict'
import { type Estimate, estimate } from '../../src/hotkeys/estimate.js'
import { Tally } from '../../src/hotkeys/tally.js'
import { createRandom, type Random } from '../../src/random.js'

const options = { threshold: 0.001, top: 20, opsPerSec: new Map([['n1', 1_000]]) }

function sampled(command: string, key: string) {
  return { command, keys: [key], bytes: 20, client: '' }
}

/** Bursts whose commands name a key drawn by `draw`. */
function sample(bursts: number, lines: number, draw: (burst: number) => string, node = 'n1'): Tally {
  const tally = new Tally(node)
  for (let burst = 0; burst < bursts; burst++) {
    tally.add({
      ...{ node: 'n1', atMs: burst * 100 },
      commands: Array.from({ length: lines }, () => sampled('get', draw(burst))),
    })
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
    const idle = sample(50, 100, () => `idle:${random.below(5_000)}`, 'n2')
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
    const tally = new Tally('n1')
    for (let burst = 0; burst < 40; burst++) {
      tally.add({
        ...{ node: 'n1', atMs: burst * 100 },
        commands: Array.from({ length: 100 }, (_, line) =>
          sampled(
            line % 4 === 0 ? 'set' : 'get',
            line < 20 ? 'a' : line < 30 ? 'b' : `c${random.below(2_000)}`,
          ),
        ),
      })
    }
    const { keys } = estimate([tally], { ...options, top: 2 })
    assert.deepEqual(
      keys.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.deepEqual(keys[0]!.commands, { get: 0.75, set: 0.25 })
  })

  it('of nothing says that it knows nothing', () => {
    const { keys, sampledCommands, upperBound } = estimate([new Tally('n1')], options)
    assert.deepEqual({ keys, sampledCommands, upperBound }, { keys: [], sampledCommands: 0, upperBound: 1 })
  })
})
