import assert from 'node:assert/strict'
import fc from 'fast-check'
import { adaptRate, batchKeysAt, Pace } from '../../src/plan/pace.js'

describe('the pace of a move', () => {
  it('never moves more than its keys a second, in any second', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 10_000 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.nat({ max: 300 })), {
          minLength: 1,
          maxLength: 60,
        }),
        (keysPerSec, batches) => {
          const pace = new Pace({ keysPerSec, bytesPerSec: Number.POSITIVE_INFINITY })
          const starts: { atMs: number; keys: number }[] = []
          let nowMs = 0
          for (const [keys, idleMs] of batches) {
            nowMs += idleMs
            nowMs += pace.reserve(keys, nowMs)
            starts.push({ atMs: nowMs, keys })
          }
          for (const { atMs } of starts) {
            const within = starts.filter((each) => each.atMs >= atMs && each.atMs < atMs + 1000)
            // the last batch of a second may reach into the next
            const keys = within.slice(0, -1).reduce((sum, each) => sum + each.keys, 0)
            assert.ok(keys <= keysPerSec + 1e-6)
          }
        },
      ),
    )
  })

  it('waits for bytes that were more than expected', () => {
    const pace = new Pace({ keysPerSec: Number.POSITIVE_INFINITY, bytesPerSec: 1_000 })
    assert.equal(pace.reserve(10, 0), 0)
    pace.spend(2_000, 0)
    assert.equal(pace.reserve(10, 500), 1_500)
  })

  it('has no limit without one', () => {
    const pace = new Pace({ keysPerSec: Number.POSITIVE_INFINITY, bytesPerSec: Number.POSITIVE_INFINITY })
    pace.spend(1e12, 0)
    assert.equal(pace.reserve(1e9, 1), 0)
  })

  it('goes down when the nodes suffer, up when they do not, and holds in between', () => {
    const limit = { quantile: 0.99, maxIncrease: 0.2 }
    assert.ok(adaptRate(1_000, 0.03, limit) < adaptRate(1_000, 0.012, limit))
    assert.ok(adaptRate(1_000, 0.012, limit) < 1_000)
    assert.equal(adaptRate(1_000, 0.007, limit), 1_000)
    assert.ok(adaptRate(1_000, 0, limit) > 1_000)
    assert.equal(adaptRate(210, 0.5, limit), 200)
  })

  it('makes batches smaller where the rate is low', () => {
    const keysAt = (keysPerSec: number) => batchKeysAt({ keysPerSec, bytesPerSec: Number.POSITIVE_INFINITY })
    assert.deepEqual([keysAt(Number.POSITIVE_INFINITY), keysAt(1_000), keysAt(1)], [100, 50, 1])
  })
})
