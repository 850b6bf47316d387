import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Hysteresis, type Observed } from '../../src/hotkeys/hysteresis.js'

const threshold = 0.1
const window = (keys: Readonly<Record<string, Observed>>) => new Map(Object.entries(keys))
const sure = { share: 0.2, low: 0.15 }
const perhaps = { share: 0.12, low: 0.05 }
const between = { share: 0.07, low: 0.06 }
const cold = { share: 0.02, low: 0.01 }
const namesOf = (entries: readonly { readonly name: string }[]) => entries.map(({ name }) => name)

describe('which keys stay published', () => {
  it('one enters at once when it is certain, and else in the second window in a row', () => {
    const kept = new Hysteresis({ threshold, limit: 5 })
    assert.deepEqual(namesOf(kept.step(window({ a: sure, b: perhaps })).entered), ['a'])
    assert.deepEqual(namesOf(kept.step(window({ a: sure, b: perhaps })).entered), ['b'])
  })

  it('a window between ends the row', () => {
    const kept = new Hysteresis({ threshold, limit: 5 })
    for (const each of [perhaps, between, perhaps, between])
      assert.deepEqual(kept.step(window({ a: each })).entered, [])
  })

  it('one leaves when it was below half the threshold in three windows in a row, seen or not', () => {
    const kept = new Hysteresis({ threshold, limit: 5 })
    kept.step(window({ a: sure }))
    const windows = [{ a: cold }, {}, { a: between }, { a: cold }, {}]
    for (const each of windows) assert.deepEqual(kept.step(window(each)).left, [])
    assert.deepEqual(namesOf(kept.step(window({ a: cold })).left), ['a'])
    assert.deepEqual(kept.names, [])
  })

  it('there is room for the hottest, and who is in is not driven out', () => {
    const kept = new Hysteresis({ threshold, limit: 2 })
    const share = (value: number) => ({ share: value, low: value })
    assert.deepEqual(namesOf(kept.step(window({ a: share(0.2), b: share(0.3), c: share(0.4) })).entered), [
      'c',
      'b',
    ])
    assert.deepEqual(kept.step(window({ a: share(0.9), b: share(0.3), c: share(0.4) })).entered, [])
  })

  it('whatever is seen: never more than the limit, no key comes and goes within three windows, entries are above', () => {
    const observed = fc.record({
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      less: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    const keys = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), observed)
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), (windows, limit) => {
        const kept = new Hysteresis({ threshold, limit })
        const since = new Map<string, number>()
        windows.forEach((each, at) => {
          const seen = new Map(
            Object.entries(each).map(
              ([name, { share, less }]) => [name, { share, low: share * less }] as const,
            ),
          )
          const { entered, left } = kept.step(seen)
          for (const { name } of left) {
            assert.ok(at - since.get(name)! >= 3)
            since.delete(name)
          }
          for (const { name } of entered) {
            assert.ok(seen.get(name)!.share > threshold)
            assert.ok(!since.has(name))
            since.set(name, at)
          }
          assert.deepEqual([...kept.names].sort(), [...since.keys()].sort())
          assert.ok(since.size <= limit)
        })
      }),
    )
  })
})
