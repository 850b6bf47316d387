/** Both policies against models, step by step; and what they have in common, by example. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  createL1,
  type L1,
  type L1Meta,
  type L1Options,
  type L1Policy,
  mostEntries,
} from '../../../src/cache/l1/l1.js'
import { type NaiveCache, naiveGhost, naiveLru, naiveS3Fifo } from './naive-policies.js'

const originMs = -1_000.5
const open = <V>(options: Omit<L1Options, 'originMs' | 'seed'>) =>
  createL1<V>({ ...options, originMs, seed: 5 })
const vouch = { untilMs: 1 }
const meta = (bytes = 1): L1Meta => ({ freshUntilMs: 10, loadMs: 3, bytes, vouch })

type Step =
  | { readonly kind: 'set'; readonly key: string; readonly bytes: number; readonly stamp: number }
  | { readonly kind: 'find' | 'look' | 'delete'; readonly key: string }
  | { readonly kind: 'clear' }

function steps(keyCount: number, mostBytes: number): fc.Arbitrary<Step[]> {
  const key = fc.nat({ max: keyCount - 1 }).map((index) => `key:${index}`)
  const bytes = fc.nat({ max: mostBytes })
  const set = fc.record({ kind: fc.constant('set' as const), key, bytes, stamp: fc.nat({ max: 70_000 }) })
  const find = fc.record({ kind: fc.constant('find' as const), key })
  const rare = fc.record({ kind: fc.constantFrom('look' as const, 'delete' as const), key })
  return fc.array(
    fc.oneof(
      { arbitrary: set, weight: 200 },
      { arbitrary: find, weight: 200 },
      { arbitrary: rare, weight: 30 },
      { arbitrary: fc.constant({ kind: 'clear' as const }), weight: 2 },
    ),
    { maxLength: 150, size: 'max' },
  )
}

/** Plays both side by side and compares all that can be seen after each step. */
function play(l1: L1<number>, model: NaiveCache, all: readonly Step[], isWeighed: boolean): void {
  const vouches = Array.from({ length: 5 }, (_, index) => ({ untilMs: index }))
  const last = new Map<string, number>()
  for (const step of all) {
    if (step.kind === 'set') {
      const { key, bytes, stamp } = step
      last.set(key, stamp)
      const more = { freshUntilMs: stamp + 0.5, loadMs: stamp, vouch: vouches[stamp % 5]! }
      l1.set(key, stamp, { bytes, ...more })
      model.set(key, isWeighed ? bytes : 0)
    } else if (step.kind === 'find') assert.equal(l1.find(step.key) >= 0, model.find(step.key))
    else if (step.kind === 'delete') {
      assert.equal(l1.delete(step.key), has(model, step.key))
      model.delete(step.key)
    } else if (step.kind === 'look') assert.equal(l1.look(step.key) >= 0, has(model, step.key))
    else {
      l1.clear()
      model.clear()
    }
    const entries = model.entries()
    assert.deepEqual([...l1.keys()].sort(), entries.map(({ key }) => key).sort())
    assert.equal(l1.size, entries.length)
    assert.equal(
      l1.bytes,
      entries.reduce((sum, { bytes }) => sum + bytes, 0),
    )
    for (const { key } of entries) {
      const slot = l1.look(key)
      const stamp = last.get(key)!
      assert.equal(l1.valueAt(slot), stamp)
      assert.equal(l1.freshUntilAt(slot), stamp + 0.5)
      assert.equal(l1.loadMsAt(slot), Math.min(stamp, 65_535))
      assert.equal(l1.vouchAt(slot), vouches[stamp % 5])
    }
  }
}

function has(model: NaiveCache, key: string): boolean {
  return model.entries().some((entry) => entry.key === key)
}

describe('the L1 does as its model', () => {
  const maxBytes = 60
  const bounded = { maxEntries: 60, maxBytes }
  const anyBound = fc.record({
    maxEntries: fc.integer({ min: 1, max: 16 }),
    isWeighed: fc.boolean(),
  })

  it('LRU', () => {
    fc.assert(
      fc.property(anyBound, steps(24, 70), ({ maxEntries, isWeighed }, all) => {
        const bounds = { maxEntries, ...(isWeighed ? { maxBytes } : {}) }
        play(open({ ...bounds, policy: 'lru' }), naiveLru({ ...bounded, ...bounds }), all, isWeighed)
      }),
      { numRuns: 100 },
    )
  })

  it('S3-FIFO of few entries', () => {
    fc.assert(
      fc.property(anyBound, steps(24, 70), ({ maxEntries, isWeighed }, all) => {
        const bounds = { maxEntries, ...(isWeighed ? { maxBytes } : {}) }
        const newGhost = () => naiveGhost(Math.floor(maxEntries * 0.9))
        play(
          open({ ...bounds, policy: 's3fifo' }),
          naiveS3Fifo({ ...bounded, ...bounds }, newGhost),
          all,
          isWeighed,
        )
      }),
      { numRuns: 200 },
    )
  })

  it('S3-FIFO with a small queue of several entries, and arrays that have grown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 50 }), steps(80, 1), (maxEntries, all) => {
        const newGhost = () => naiveGhost(Math.floor(maxEntries * 0.9))
        const model = naiveS3Fifo({ maxEntries, maxBytes: 1_000 }, newGhost)
        const filled = Array.from({ length: maxEntries }, (_, index): Step[] => [
          { kind: 'set', key: `key:${index}`, bytes: 1, stamp: index },
        ]).flat()
        play(open({ maxEntries, policy: 's3fifo' }), model, [...filled, ...all], false)
      }),
      { numRuns: 40 },
    )
  })
})

for (const policy of ['s3fifo', 'lru'] satisfies L1Policy[]) {
  describe(`L1, ${policy}`, () => {
    it('lets go of a deleted value at once, and of all when it is cleared', () => {
      const l1 = open<{ name: string }>({ maxEntries: 4, policy })
      l1.set('a', { name: 'a' }, meta())
      l1.set('b', { name: 'b' }, meta())
      const [a, b] = [l1.look('a'), l1.look('b')]
      assert.equal(l1.delete('a'), true)
      assert.equal(l1.delete('a'), false)
      assert.equal(l1.valueAt(a), undefined)
      l1.clear()
      assert.equal(l1.valueAt(b), undefined)
      assert.deepEqual([l1.size, [...l1.keys()]], [0, []])
      l1.set('c', { name: 'c' }, meta())
      assert.equal(l1.valueAt(l1.find('c')).name, 'c')
    })

    it('does not admit a value larger than all, and drops the older one', () => {
      const l1 = open<string>({ maxEntries: 9, maxBytes: 100, policy })
      l1.set('a', 'old', meta(40))
      l1.set('b', 'stays', meta(40))
      l1.set('a', 'new', meta(101))
      assert.deepEqual([l1.look('a'), l1.bytes, [...l1.keys()]], [-1, 40, ['b']])
      l1.set('a', 'whole', meta(100))
      assert.deepEqual([l1.bytes, [...l1.keys()]], [100, ['a']])
      l1.set('huge', 'no size', meta(Number.NaN))
      assert.deepEqual([l1.bytes, [...l1.keys()]], [100, ['a']])
    })

    it('keeps times as long as there are, and any key', () => {
      const l1 = open<number>({ maxEntries: 9, policy })
      const farMs = 400 * 24 * 3_600_000 + 0.25
      for (const [index, key] of ['', '__proto__', '\u0000', 'é', '😀'.repeat(5_000)].entries())
        l1.set(key, index, { ...meta(), freshUntilMs: farMs + index, loadMs: 0.2 })
      assert.equal(l1.valueAt(l1.find('__proto__')), 1)
      assert.equal(l1.freshUntilAt(l1.find('é')), farMs + 3)
      assert.equal(l1.loadMsAt(l1.find('')), 1)
      l1.set('for ever', 9, { ...meta(), freshUntilMs: Number.POSITIVE_INFINITY })
      assert.ok(l1.freshUntilAt(l1.find('for ever')) > 500 * 365 * 24 * 3_600_000)
      for (const freshUntilMs of [Number.NaN, originMs - 5, originMs]) {
        l1.set('never', 9, { ...meta(), freshUntilMs })
        assert.equal(l1.freshUntilAt(l1.find('never')), originMs)
      }
      l1.set('just', 9, { ...meta(), freshUntilMs: 1_000.99 })
      assert.equal(l1.freshUntilAt(l1.find('just')), 1_000.9375)
    })

    it('tells whose vouch an entry has when there are more of them than 16 bits count', () => {
      const l1 = open<number>({ maxEntries: 70_000, policy })
      const vouches = Array.from({ length: 70_000 }, (_, untilMs) => ({ untilMs }))
      for (const [index, own] of vouches.entries()) l1.set(`key:${index}`, index, { ...meta(), vouch: own })
      for (const index of [0, 1, 65_535, 65_536, 69_999])
        assert.equal(l1.vouchAt(l1.look(`key:${index}`)), vouches[index])
    })
  })
}

describe('L1', () => {
  it('of S3-FIFO keeps what is asked for while a scan passes, where LRU keeps the scan', () => {
    const kept = (policy: L1Policy) => {
      const l1 = open<number>({ maxEntries: 100, policy })
      const wanted = Array.from({ length: 50 }, (_, index) => `wanted:${index}`)
      for (const key of wanted) l1.set(key, 0, meta())
      for (let round = 0; round < 3; round++) for (const key of wanted) l1.find(key)
      for (let index = 0; index < 1_000; index++) l1.set(`scan:${index}`, 0, meta())
      return wanted.filter((key) => l1.look(key) >= 0).length
    }
    assert.deepEqual([kept('s3fifo'), kept('lru')], [50, 0])
  })

  it('of S3-FIFO lets a key that was invalidated come back to its place', () => {
    const l1 = open<number>({ maxEntries: 100, policy: 's3fifo' })
    for (let index = 0; index < 100; index++) l1.set(`first:${index}`, 0, meta())
    l1.delete('first:99')
    l1.set('first:99', 0, meta())
    for (let index = 0; index < 1_000; index++) l1.set(`scan:${index}`, 0, meta())
    assert.deepEqual([l1.look('first:98') >= 0, l1.look('first:99') >= 0], [false, true])
  })

  it('refuses bounds that are none', () => {
    const bounds = [
      { maxEntries: 0 },
      { maxEntries: 1.5 },
      { maxEntries: mostEntries + 1 },
      { maxEntries: NaN },
    ]
    for (const bound of bounds)
      assert.throws(() => open({ ...bound, policy: 'lru' }), /maxEntries of the L1 is .* expected a whole/)
    assert.throws(() => open({ maxEntries: 1, maxBytes: 0, policy: 'lru' }), /maxBytes of the L1 is 0/)
  })
})
