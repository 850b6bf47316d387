import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Counter, SpaceSaving } from '../../src/hotkeys/space-saving.js'
import { sketchKeys, Tally } from '../../src/hotkeys/tally.js'
import { createRandom } from '../../src/random.js'
import { sampledBursts, zipf } from '../support/sampled-traffic.js'

const create = (name: string, error: number): Counter => ({ name, count: error, error, slot: 0 })

describe('Space-Saving', () => {
  it('never counts too little, nor more too much than its error, and holds all above 1/m', () => {
    const stream = fc.array(
      fc.integer({ min: 0, max: 30 }).map((value) => Math.floor(value ** 2 / 30)),
      { minLength: 30, maxLength: 200 },
    )
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 12 }), fc.nat(20), (values, capacity, limitedAt) => {
        const counters = new SpaceSaving(create)
        const truth = new Map<string, number>()
        values.forEach((value, at) => {
          if (at === limitedAt) counters.limit(capacity)
          counters.increment(String(value))
          truth.set(String(value), (truth.get(String(value)) ?? 0) + 1)
        })
        for (const { name, count, error } of counters.counters()) {
          const exact = truth.get(name)!
          assert.ok(count - error <= exact && exact <= count, `${name}: ${count} - ${error}, ${exact}`)
        }
        if (limitedAt >= values.length) return
        assert.ok(counters.size <= capacity)
        for (const [name, exact] of truth)
          if (exact > values.length / capacity)
            assert.ok(counters.get(name), `${name} of ${exact} is missing`)
      }),
    )
  })
})

describe('a tally', () => {
  const burst = (names: readonly string[], atMs = 0) => ({
    node: 'n1',
    atMs,
    commands: names.map((name) => ({ command: 'get', keys: [name], bytes: 10, client: 'c:1' })),
  })

  it('sums what the variance between bursts needs', () => {
    const tally = new Tally('n1')
    tally.add(burst(['a', 'a', 'b']))
    tally.add(burst(['a', 'c']))
    tally.add(burst([]))
    const { count, squares, products, bursts, bytes } = tally.keys.get('a')!
    assert.deepEqual(
      { count, squares, products, bursts, bytes },
      { count: 3, squares: 5, products: 8, bursts: 2, bytes: 30 },
    )
    assert.deepEqual([tally.samples, tally.squares, tally.bursts], [5, 13, 2])
  })

  it('that decays weighs what was before by the factor, and forgets in the end', () => {
    const tally = new Tally('n1')
    tally.add(burst(['a', 'a', 'b', 'b']))
    tally.decay(0.5)
    tally.add(burst(['a', 'b', 'b', 'b']))
    assert.equal(tally.samples, 6)
    assert.equal(tally.keys.get('a')!.count, 2)
    assert.equal(tally.keys.get('a')!.squares, 2)
    assert.equal(tally.bursts, 1.5 ** 2 / 1.25)
    for (let round = 0; round < 10; round++) tally.decay(0.5)
    assert.equal(tally.keys.size, 0)
  })

  it('keeps the hot keys of a long run in bounded memory, with their counts', () => {
    const tally = new Tally('n1', { threshold: 0.005, exactKeys: 10_000 })
    const truth = new Map<string, number>()
    const sampling = { bursts: 400, lines: [500, 500], opsPerSec: 50_000, pauseMs: 100 } as const
    for (const each of sampledBursts(zipf(100_000, 0.99), sampling, createRandom(3))) {
      tally.add(each)
      for (const { keys } of each.commands) truth.set(keys[0]!, (truth.get(keys[0]!) ?? 0) + 1)
    }
    assert.equal(tally.keys.size, sketchKeys)
    for (const [name, count] of truth)
      if (count >= 0.005 * tally.samples) {
        const held = tally.keys.get(name)!
        assert.ok(held.seen <= count && count <= held.count)
        assert.ok(held.error <= tally.samples / sketchKeys)
      }
  })
})
