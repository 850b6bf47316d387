import assert from 'node:assert/strict'
import type { Estimate, HotKey } from '../../src/hotkeys/estimate.js'
import { isAskedInVain, type KeyFacts, suggest } from '../../src/hotkeys/suggestions.js'
import { decayFactor, TrendKeeper } from '../../src/hotkeys/trend.js'

const exactly = (value: number, slack = 0.01) => ({ value, low: value - slack, high: value + slack })

function hotKey(changes: Partial<HotKey> & { share?: number }): HotKey {
  const { share = 0.2, ...rest } = changes
  return {
    name: 'k',
    rank: 1,
    certainty: 'certain',
    nodes: [{ node: 'n1', share: exactly(share), opsPerSec: 100 }],
    ring: exactly(share),
    opsPerSec: exactly(100, 5),
    seen: 10_000,
    mix: { get: 1 },
    writeShare: 0,
    bytesPerSec: 1,
    clients: [],
    ...rest,
  }
}

describe('a key that is not there', () => {
  it('is asked for in vain when it is read, surely hot, and nobody writes it', () => {
    assert.ok(isAskedInVain(hotKey({}), { exists: false }))
    assert.ok(!isAskedInVain(hotKey({}), { exists: true }))
    assert.ok(!isAskedInVain(hotKey({})))
    // it has expired just now
    assert.ok(!isAskedInVain(hotKey({ writeShare: 0.3 }), { exists: false }))
    assert.ok(!isAskedInVain(hotKey({ certainty: 'possible' }), { exists: false }))
    assert.ok(!isAskedInVain(hotKey({ mix: {} }), { exists: false }))
  })
})

describe('a suggestion', () => {
  const large = 65 * 1024
  const one = [{ client: '10.0.0.1:1', share: 0.9, ofNode: 0.2 }]
  const cases: [expected: string, key: Partial<HotKey>, facts: KeyFacts][] = [
    ['l1', {}, {}],
    ['l1', { writeShare: 0.055, seen: 400 }, {}],
    ['split', { writeShare: 0.08 }, { exists: true, ttlMs: null, sizeBytes: 100 }],
    ['batch-writes', { writeShare: 0.4 }, { ttlMs: 5_000 }],
    ['shrink', { writeShare: 0.4 }, { sizeBytes: large }],
    ['refresh-ahead', {}, { ttlMs: 20_000 }],
    ['fix-client', {}, { exists: false }],
    ['fix-client', { clients: one }, { sizeBytes: large }],
    ['l1', { clients: [{ client: 'c', share: 0.95, ofNode: 0.9 }] }, {}],
    ['none', { certainty: 'possible' }, { sizeBytes: large }],
    ['none', { mix: {} }, {}],
  ]
  for (const [expected, key, facts] of cases) {
    it(`for ${JSON.stringify({ ...key, ...facts })} is ${expected}`, () => {
      const { action, reason } = suggest(hotKey(key), facts)
      assert.equal(action, expected, reason)
      assert.ok(reason.length > 20)
    })
  }
})

describe('the trend', () => {
  const estimateOf = (...keys: HotKey[]): Estimate => ({
    keys,
    names: new Set(keys.map(({ name }) => name)),
    certainCount: keys.length,
    possibleCount: 0,
    nodes: [],
    samples: 1,
    bursts: 1,
    upperBound: 0,
    open: new Map(),
  })

  it('tells what is new, rises, falls and has gone, and forgets it after a while', () => {
    const keeper = new TrendKeeper()
    const steady = hotKey({ name: 'steady' })
    const first = keeper.next(estimateOf(steady, hotKey({ name: 'up' }), hotKey({ name: 'down' })), 0)
    assert.deepEqual([...first.changes.values()], ['steady', 'steady', 'steady'])
    const second = keeper.next(
      estimateOf(steady, hotKey({ name: 'up', share: 0.3 }), hotKey({ name: 'fresh' })),
      2_000,
    )
    assert.deepEqual(Object.fromEntries(second.changes), { steady: 'steady', up: 'rising', fresh: 'new' })
    assert.deepEqual(second.gone, [{ name: 'down', goneMs: 0 }])
    const third = keeper.next(
      estimateOf(steady, hotKey({ name: 'up', share: 0.1 }), hotKey({ name: 'down' })),
      4_000,
    )
    assert.deepEqual(Object.fromEntries(third.changes), { steady: 'steady', up: 'falling', down: 'new' })
    assert.deepEqual(third.gone, [{ name: 'fresh', goneMs: 0 }])
    const later = keeper.next(estimateOf(steady, hotKey({ name: 'down' })), 16_000)
    assert.equal(later.changes.get('down'), 'steady')
    assert.deepEqual(later.gone, [{ name: 'up', goneMs: 0 }])
  })

  it('takes a key that only left the table for one that is still there', () => {
    const keeper = new TrendKeeper()
    keeper.next(estimateOf(hotKey({})), 0)
    assert.deepEqual(keeper.next({ ...estimateOf(), names: new Set(['k']) }, 2_000).gone, [])
    assert.equal(keeper.next(estimateOf(hotKey({})), 4_000).changes.get('k'), 'steady')
  })

  it('does not tell of a key that was only possible that it has gone', () => {
    const keeper = new TrendKeeper()
    keeper.next(estimateOf(hotKey({ certainty: 'possible' })), 0)
    assert.deepEqual(keeper.next(estimateOf(), 2_000).gone, [])
  })

  it('weighs by a half-life of 10 s', () => {
    assert.deepEqual([0, 10_000, 20_000].map(decayFactor), [1, 0.5, 0.25])
  })
})
