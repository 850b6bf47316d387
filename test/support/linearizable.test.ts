import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Effect, isLinearizable, type Operation } from './linearizable.js'

const at = (called: number, returned: number, effect: Effect): Operation => ({ called, returned, effect })
const get = (answer: string | null): Effect => ({ kind: 'get', answer })
const set = (value: string): Effect => ({ kind: 'set', value })
const del = (answer: number | undefined): Effect => ({ kind: 'del', answer })
const never = Number.POSITIVE_INFINITY

describe('the linearizability checker', () => {
  it('accepts what a single register could have answered', () => {
    assert.ok(isLinearizable([at(0, 1, set('a')), at(2, 3, get('a')), at(4, 5, del(1)), at(6, 7, get(null))]))
    assert.ok(isLinearizable([at(0, 9, set('a')), at(1, 2, get(null)), at(3, 4, get('a'))]))
    assert.ok(
      isLinearizable([at(0, never, set('a')), at(1, 2, get(null)), at(3, 4, get('a')), at(5, 6, get('a'))]),
    )
    assert.ok(isLinearizable([at(0, never, del(undefined)), at(1, 2, get('x'))], 'x'))
  })

  it('rejects a lost write, a stale read, a deleted key that comes back, a delete that counts wrongly', () => {
    assert.ok(!isLinearizable([at(0, 1, set('a')), at(2, 3, get(null))]))
    assert.ok(!isLinearizable([at(0, 1, set('a')), at(2, 3, set('b')), at(4, 5, get('a'))]))
    assert.ok(!isLinearizable([at(0, 1, set('a')), at(2, 3, del(1)), at(4, 5, get('a'))]))
    assert.ok(!isLinearizable([at(0, 1, set('a')), at(2, 3, del(0))]))
    assert.ok(!isLinearizable([at(0, 9, set('a')), at(1, 2, get('a')), at(3, 4, get(null))]))
  })

  it('knows counters, appended texts and keys that expire', () => {
    const incr = (answer?: number): Effect => ({ kind: 'incr', answer })
    const append = (more: string, answer?: number): Effect => ({ kind: 'append', more, answer })
    const expire: Effect = { kind: 'expire', head: 'a' }
    assert.ok(isLinearizable([at(0, 1, incr(1)), at(2, 3, incr(2)), at(4, 5, get('2'))]))
    assert.ok(!isLinearizable([at(0, 1, incr(1)), at(2, 3, get('2'))]))
    assert.ok(isLinearizable([at(0, never, incr()), at(1, 2, incr(1)), at(3, 4, get('2'))]))
    assert.ok(isLinearizable([at(0, 1, append('a', 1)), at(2, 3, append('b', 2)), at(4, 5, get('ab'))]))
    assert.ok(!isLinearizable([at(0, 1, append('a', 1)), at(2, 3, get('aa'))]))
    assert.ok(isLinearizable([at(0, 1, set('a')), at(2, 6, expire), at(3, 4, get('a')), at(7, 8, get(null))]))
    assert.ok(!isLinearizable([at(0, 1, set('a')), at(2, 3, expire), at(4, 5, get('a'))]))
    assert.ok(isLinearizable([at(0, 1, set('b')), at(2, 3, expire), at(4, 5, get('b'))]))
  })

  it('is quick also where most outcomes are unknown', function () {
    this.timeout(5_000)
    const writes = Array.from({ length: 30 }, (_, index) => at(index, never, set(`v${index}`)))
    const reads = Array.from({ length: 10 }, (_, index) => at(31 + index, 31.5 + index, get('first')))
    assert.ok(isLinearizable([...writes, ...reads], 'first'))
  })

  it('agrees with a real register under any overlap', () => {
    const step = fc.record({
      kind: fc.constantFrom('get', 'set', 'del'),
      before: fc.nat({ max: 5 }),
      after: fc.nat({ max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        let value: string | null = null
        const history = steps.map(({ kind, before, after }, index): Operation => {
          const moment = index * 3
          const effect =
            kind === 'get' ? get(value) : kind === 'set' ? set(`v${index}`) : del(value === null ? 0 : 1)
          if (kind === 'set') value = `v${index}`
          if (kind === 'del') value = null
          return at(moment - before, moment + after + 0.5, effect)
        })
        assert.ok(isLinearizable(history))
      }),
    )
  })
})
