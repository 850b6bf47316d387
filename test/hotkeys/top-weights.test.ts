import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TopWeights } from '../../src/hotkeys/top-weights.js'

describe('the heaviest few', () => {
  it('are those that sorting all would give', () => {
    const weights = fc.array(fc.nat({ max: 20 }), { maxLength: 60 })
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 12 }), (all, capacity) => {
        const top = new TopWeights(capacity)
        for (const [index, weight] of all.entries()) top.offer(`k${index}`, weight)
        const expected = [...all].sort((a, b) => b - a).slice(0, capacity)
        assert.deepEqual(
          top.list().map(({ weight }) => weight),
          expected,
        )
      }),
    )
  })

  it('hold a name once, as a walk over keys may show it twice', () => {
    const top = new TopWeights(3)
    for (const weight of [5, 5, 7]) top.offer('a', weight)
    top.offer('b', 1)
    assert.deepEqual(top.list(), [
      { name: 'a', weight: 5 },
      { name: 'b', weight: 1 },
    ])
  })
})
