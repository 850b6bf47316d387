import assert from 'node:assert/strict'
import type { Weakness } from '../support/cache-world.js'
import { Stage } from './race-stage.js'
import { type Race, races } from './race-table.js'

describe('races', () => {
  for (const race of races) {
    it(`race ${race.race}`, () => play(race))
    for (const [name, weakness] of Object.entries(race.broken)) {
      it(`… is lost where ${name}`, async () => {
        await assert.rejects(play(race, weakness), assert.AssertionError)
      })
    }
  }
})

async function play(race: Race, weakness?: Weakness): Promise<void> {
  const stage = new Stage(race, weakness)
  try {
    await race.play(stage)
  } finally {
    stage.world.end()
  }
}
