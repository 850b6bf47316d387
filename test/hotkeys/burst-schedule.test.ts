import assert from 'node:assert/strict'
import { burstLines, costMicros, pauseMs } from '../../src/hotkeys/burst-schedule.js'
import { createRandom } from '../../src/random.js'

describe('the schedule of bursts', () => {
  it('keeps each node within its budget on the mean, however many take turns', () => {
    const random = createRandom(5)
    for (const nodeCount of [1, 3, 10]) {
      const micros = costMicros(300, 300 * 80)
      let totalMs = 0
      for (let burst = 0; burst < 20_000; burst++)
        totalMs += pauseMs(micros, { budget: 0.01, nodeCount, random })
      const share = (20_000 * micros) / 1_000 / (totalMs * nodeCount)
      assert.ok(Math.abs(share - 0.01) < 0.0003, `${share}`)
    }
  })

  it('takes fewer lines where they are long', () => {
    assert.equal(burstLines(60), 500)
    assert.ok(burstLines(1_000) < 150)
    assert.equal(burstLines(1_000_000), 50)
  })
})
