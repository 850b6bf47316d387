import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sampleRates } from '../../src/hotkeys/allocation.js'
import { BackOff, burstBounds, mostOverdueMs, overdueMs, pauseMs } from '../../src/hotkeys/burst-schedule.js'
import { CostCalibration, monitoringMicros, seedCost } from '../../src/hotkeys/cost-model.js'
import { createRandom } from '../../src/random.js'

const cost = seedCost('redis', '7.0.15')

describe('the schedule of bursts', () => {
  it('keeps a node within its budget on the mean', () => {
    const random = createRandom(5)
    const costMicros = monitoringMicros(300, 300 * 30, cost)
    let totalMs = 0
    for (let burst = 0; burst < 20_000; burst++)
      totalMs += pauseMs(
        { costMicros, lengthMs: 5 },
        { budget: { share: 0.01, gentle: false }, rate: 1, random },
      )
    const share = (20_000 * costMicros) / 1_000 / totalMs
    assert.ok(Math.abs(share - 0.01) < 0.0003, `${share}`)
  })

  it('is gentle in time as well: under 0.5 % of it', () => {
    const random = createRandom(6)
    let totalMs = 0
    for (let burst = 0; burst < 20_000; burst++)
      totalMs += pauseMs(
        { costMicros: 1, lengthMs: 5 },
        { budget: { share: 0.005, gentle: true }, rate: 1, random },
      )
    assert.ok((20_000 * 5) / totalMs < 0.00515)
  })

  it('is overdue when it has waited for as much as a server may keep for us, within limits', () => {
    const limits = { maxLines: 500, maxBytes: 256 * 1024, maxMs: 20 }
    const overdue = (opsPerSec: number, bytesPerCommand: number, answerMs = 1) =>
      overdueMs({ opsPerSec, bytesPerCommand }, limits, answerMs)
    const perMs = 10 * (1_000 + 47)
    // 256 KiB before 500 lines or 20 ms, and 512 KiB more
    assert.ok(Math.abs(overdue(10_000, 1_000) - (20 + (512 * 1024) / perMs)) < 1e-9)
    assert.ok(Math.abs(overdue(20_000, 10_000) - ((256 * 1024) / (20 * 10_047) + 5)) < 1e-9)
    assert.ok(Math.abs(overdue(100_000, 10) - (5 + 60)) < 1e-9)
    assert.deepEqual([overdue(0, 0), mostOverdueMs(limits, 0)], [80, 80])
    // far away, or busy
    assert.deepEqual([overdue(0, 0, 100), mostOverdueMs(limits, 100)], [320, 380])
  })

  it('takes fewer lines where they cost more, by length or by what was measured', () => {
    const lines = (bytesPerCommand: number, factor = 1) =>
      burstBounds({ share: 0.01, gentle: false }, { cost, factor, bytesPerCommand }).maxLines
    assert.deepEqual([lines(20), lines(1_000), lines(1_000_000)], [500, 95, 50])
    assert.ok(lines(1_000, 0.5) > lines(1_000))
  })

  it('halves after ten falls in a row, not after nine, and not below a quarter', () => {
    const backOff = new BackOff()
    for (let burst = 0; burst < 9; burst++) assert.equal(backOff.add(900, 1_000), false)
    backOff.add(990, 1_000)
    for (let burst = 0; burst < 9; burst++) backOff.add(900, 1_000)
    assert.equal(backOff.part, 1)
    assert.equal(backOff.add(900, 1_000), true)
    for (let burst = 0; burst < 100; burst++) backOff.add(100, 1_000)
    assert.equal(backOff.part, 0.25)
  })
})

describe('the cost that is measured', () => {
  it('comes from the seed to what the counters show, and never below half the seed', () => {
    for (const [truth, expected] of [
      [2, 2],
      [0.1, 0.5],
      [1, 1],
    ] as const) {
      const calibration = new CostCalibration()
      let at = { atMs: 0, commands: 0, cpuMicros: 0 }
      for (let burst = 0; burst < 500; burst++) {
        const before = {
          atMs: at.atMs + 100,
          commands: at.commands + 1_000,
          cpuMicros: at.cpuMicros + 10_000,
        }
        calibration.addBetween(at, before)
        const after = {
          atMs: before.atMs + 5,
          commands: before.commands + 500,
          cpuMicros: before.cpuMicros + 5_000 + 1_500 * truth,
        }
        calibration.addBurst(before, after, 1_500)
        at = after
      }
      assert.ok(Math.abs(calibration.factor - expected) < 0.06, `${truth}: ${calibration.factor}`)
    }
  })

  it('is the seed where the server does not tell', () => {
    const calibration = new CostCalibration()
    const silent = { atMs: 0, commands: 0, cpuMicros: undefined }
    calibration.addBetween(silent, silent)
    calibration.addBurst(silent, silent, 1_000)
    assert.equal(calibration.factor, 1)
  })
})

describe('the allocation of samples', () => {
  const node = fc.record({
    opsPerSec: fc.double({ min: 0, max: 1e6, noNaN: true }),
    deviation: fc.double({ min: 0, max: 1, noNaN: true }),
    costMicros: fc.double({ min: 0.5, max: 500, noNaN: true }),
  })

  it('gives every node between a quarter and all of its budget, and one of them all', () => {
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 20 }), (nodes) => {
        const rates = sampleRates(nodes)
        assert.equal(rates.length, nodes.length)
        assert.ok(rates.every((rate) => rate >= 0.25 && rate <= 1))
        assert.equal(Math.max(...rates), 1)
      }),
    )
  })

  it('follows the need, and leaves small nodes behind', () => {
    const one = { opsPerSec: 1_000, deviation: 0.1, costMicros: 4 }
    assert.deepEqual(sampleRates([one, { ...one, deviation: 0.05 }]), [1, 0.5])
    assert.deepEqual(sampleRates([one, { ...one, costMicros: 16 }]), [1, 0.5])
    assert.deepEqual(sampleRates([one, { ...one, opsPerSec: 20, deviation: 1 }]), [1, 0.25])
  })
})
