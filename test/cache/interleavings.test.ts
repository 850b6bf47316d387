/**
 * Several processes read, write and invalidate while fast-check's scheduler delivers every request, reply and invalidation
 * in an order of its own. What breaks a rule of the library must be found by the same runs (cache-weaknesses.ts).
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { freshSeed } from '../../src/random.js'
import { playCalm, playRough } from '../support/cache-play.js'
import { foundByChance } from '../support/cache-weaknesses.js'

const seed = Number(process.env.SEED ?? freshSeed()) % 2 ** 31

describe(`interleavings of several processes (SEED=${seed})`, () => {
  it('a read that begins when its process has heard of a write gives it or a later one; all agree in the end', async () => {
    await fc.assert(playCalm(), { seed, numRuns: 150 })
  })

  it('lost, silent and frozen connections, restarts and moves: nothing is older than a second, and nothing hangs', async () => {
    await fc.assert(playRough(), { seed, numRuns: 60 })
  })

  for (const [name, { play, ...weakness }] of Object.entries(foundByChance)) {
    it(`finds a library in which ${name}`, async () => {
      const property = (play === 'rough' ? playRough : playCalm)(weakness)
      const { failed } = await fc.check(property, { seed, numRuns: 2_000, endOnFailure: true })
      assert.ok(failed, 'nobody noticed')
    })
  }
})
