import assert from 'node:assert/strict'
import { freshSeed } from '../../src/random.js'
import { playCacheChange } from '../support/cache-live-change.js'

const seed = Number(process.env.SEED ?? freshSeed())

describe(`caches over a ring that changes (SEED=${seed})`, () => {
  it('fault-31: add and remove: no read fails, none is older than the bound, all agree in the end', async () => {
    const verdict = await playCacheChange({
      ...{ seed, processes: 3, keys: 60, isRebalanced: false },
      ...{ writeShare: 0.02, pauseMs: 2 },
    })
    assert.ok(verdict.reads > 500 && verdict.writes > 10, JSON.stringify(verdict))
    // what has moved is still there: a load for each write, and few more
    const { loads, writes, unacknowledged } = verdict
    assert.ok(loads <= 60 + 2 * (writes + unacknowledged) + 60, JSON.stringify(verdict))
  })

  it('the same where they read from replicas that are behind', async () => {
    const verdict = await playCacheChange({
      ...{ seed, processes: 2, keys: 60, isRebalanced: false, replicaLagMs: 300 },
      ...{ writeShare: 0.02, pauseMs: 2 },
    })
    assert.ok(verdict.replicaReads > 100 && verdict.writes > 10, JSON.stringify(verdict))
  })
})
