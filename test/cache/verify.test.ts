/** The verifier against tiers and a source that are values, on a clock of the test. */
import assert from 'node:assert/strict'
import { type Consistency, consistencyOf, createCounts } from '../../src/cache/consistency.js'
import type { TierLook } from '../../src/cache/look.js'
import { createVerifier, type Difference, type VerifierOptions } from '../../src/cache/verify.js'
import type { Clock } from '../../src/clock.js'
import { createRandom } from '../../src/random.js'

interface State {
  l1?: unknown
  l2?: unknown
  source: unknown
}

const tier = (value: unknown): TierLook<unknown> =>
  value === 'pending'
    ? { kind: 'pending' }
    : value === undefined
      ? { kind: 'none' }
      : { kind: 'value', value }

/** `at`: what stands where, by ms since the check began. */
function verifierOf(at: (ms: number) => State, options: Partial<VerifierOptions<unknown>> = {}) {
  let nowMs = 5_000
  const clock: Clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      nowMs += ms
    },
  }
  const state = () => at(nowMs - 5_000)
  const differences: Difference<unknown>[] = []
  const verifier = createVerifier<unknown>(
    { look: async () => ({ l1: tier(state().l1), l2: tier(state().l2) }) },
    {
      load: async () => {
        if (state().source instanceof Error) throw state().source
        return state().source
      },
      ...{ clock, random: createRandom(1), within: '1s', onDifference: (each) => differences.push(each) },
      ...options,
    },
  )
  return { verifier, differences, passedMs: () => nowMs - 5_000, pass: (ms: number) => (nowMs += ms) }
}

describe('the verifier', () => {
  const cases: [string, (ms: number) => State, string][] = [
    [
      'all the same',
      () => ({ l1: { a: 1, b: 2 }, l2: { b: 2, a: 1 }, source: { a: 1, b: 2 } }),
      'consistent',
    ],
    ['nothing cached', () => ({ source: 1 }), 'absent'],
    ['nothing anywhere, remembered', () => ({ l2: null, source: null }), 'consistent'],
    ['L2 never hears of a write', () => ({ l2: 1, source: 2 }), 'inconsistent'],
    ['a write reaches L2 in time', (ms) => ({ l2: ms < 900 ? 1 : 2, source: 2 }), 'consistent'],
    ['a write reaches L2 too late', (ms) => ({ l2: ms < 1_001 ? 1 : 2, source: 2 }), 'inconsistent'],
    [
      'the value is dropped in time',
      (ms) => ({ ...(ms < 400 ? { l1: 1, l2: 1 } : {}), source: 2 }),
      'consistent',
    ],
    ['only this process is behind', () => ({ l1: 1, l2: 2, source: 2 }), 'inconsistent'],
    [
      'the source is written all the time, L2 never what was seen there',
      (ms) => ({ l2: -1 - Math.floor(ms / 300), source: Math.floor(ms / 300) }),
      'undecided',
    ],
    [
      'the source is written all the time, L2 stands still',
      (ms) => ({ l2: -1, source: Math.floor(ms / 300) }),
      'inconsistent',
    ],
    [
      'the source is written all the time, L2 follows',
      (ms) => ({ l2: Math.floor((ms - 375) / 100), source: Math.floor(ms / 100) }),
      'consistent',
    ],
    ['right once is right', (ms) => ({ l2: ms < 100 ? 1 : 2, source: ms < 200 ? 2 : 3 }), 'consistent'],
    [
      'dates and what JSON makes of them',
      () => ({ l2: { at: '1970-01-01T00:00:00.000Z' }, source: { at: new Date(0), x: undefined } }),
      'consistent',
    ],
    ['write-behind is not there yet', () => ({ l1: 2, l2: 'pending', source: 1 }), 'pending'],
    ['it becomes pending', (ms) => ({ l2: ms < 300 ? 1 : 'pending', source: 2 }), 'pending'],
    ['the source fails', () => ({ l2: 1, source: new Error('down') }), 'failed'],
  ]
  for (const [what, at, verdict] of cases) {
    it(`${what}: ${verdict}`, async () => {
      const { verifier, passedMs } = verifierOf(at)
      assert.equal(await verifier.check('k'), verdict)
      assert.deepEqual([verifier.counts.checked, verifier.counts[verdict as 'failed']], [1, 1])
      if (verdict === 'inconsistent') assert.equal(passedMs(), 1_000)
      if (what === 'all the same') assert.equal(passedMs(), 0)
    })
  }

  it('tells where, why and what', async () => {
    for (const [state, where, cause] of [
      [{ l1: 1, l2: 2, source: 2 }, 'l1', 'outdated'],
      [{ l2: null, source: 2 }, 'l2', 'negative'],
      [{ l1: 1, l2: 1, source: null }, 'both', 'deleted'],
    ] as const) {
      const { verifier, differences } = verifierOf(() => state)
      await verifier.check('k')
      const { key, source } = differences[0]!
      assert.deepEqual(
        { key, source, where: differences[0]!.where, cause: differences[0]!.cause },
        { key: 'k', where, cause, source: state.source },
      )
      assert.deepEqual([verifier.counts.where[where], verifier.counts.causes[cause]], [1, 1])
    }
  })

  it('an abort ends a check; a failure is told with its reason', async () => {
    const ending = new AbortController()
    const reasons: unknown[] = []
    const failing = verifierOf(() => ({ l2: 1, source: new Error('down') }), {
      onFailure: (key, error) => reasons.push([key, String(error)]),
    })
    await failing.verifier.check('k')
    assert.deepEqual(reasons, [['k', 'Error: down']])
    const { verifier } = verifierOf(() => ({ l2: 1, source: 2 }), { onDifference: () => ending.abort() })
    ending.abort(new Error('enough'))
    await assert.rejects(verifier.check('k', ending.signal), /enough/)
    assert.equal(verifier.counts.checked, 0)
  })

  it('takes its share of what is offered, and no more than its rate', async () => {
    const shared = verifierOf(() => ({ l2: 1, source: 1 }), { sampleShare: 0.1, ratePerSec: 1e9 })
    for (let index = 0; index < 5_000; index++) {
      shared.pass(1)
      shared.verifier.offer(`k${index}`)
      if (index % 100 === 0) await shared.verifier.settle()
    }
    await shared.verifier.settle()
    const { checked, skipped } = shared.verifier.counts
    assert.ok(checked > 400 && checked < 600 && skipped === 0, `${checked} ${skipped}`)
    const rated = verifierOf(() => ({ l2: 1, source: 1 }), { ratePerSec: 10 })
    for (let index = 0; index < 1_000; index++) {
      rated.pass(1)
      rated.verifier.offer('k')
    }
    await rated.verifier.settle()
    assert.equal(rated.verifier.counts.checked, 10)
    assert.throws(() => verifierOf(() => ({ source: 1 }), { sampleShare: 0 }), /sampleShare/)
  })

  it('is bounded: what is offered beyond is counted', async () => {
    const { verifier } = verifierOf(() => ({ l2: 1, source: 1 }), { ratePerSec: Number.POSITIVE_INFINITY })
    for (let index = 0; index < 300; index++) verifier.offer('k')
    await verifier.settle()
    assert.deepEqual([verifier.counts.checked, verifier.counts.skipped], [256, 44])
  })

  it('proves as many nines as its sample can: none found of n is at most 3 in n', () => {
    const of = (consistent: number, inconsistent: number): Consistency =>
      consistencyOf({ ...createCounts(), consistent, inconsistent })
    assert.ok(Math.abs(of(30_000, 0).nines - 4) < 0.001)
    // exact upper bounds of a Poisson mean at 95 %: 4.744, 6.296, 16.962
    for (const [found, exact] of [
      [1, 4.744],
      [2, 6.296],
      [10, 16.962],
    ] as const) {
      const { share, shareLow } = of(10_000 - found, found)
      assert.equal(share, 1 - found / 10_000)
      assert.ok(Math.abs((1 - shareLow) * 10_000 - exact) < 0.01 * exact, `${found}`)
    }
    assert.deepEqual([of(0, 0).shareLow, of(0, 5).shareLow, of(0, 5).nines], [0, 0, 0])
    assert.ok(Number.isNaN(of(0, 0).share))
  })
})
