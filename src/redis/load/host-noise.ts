/** What the machine adds to every tail: the gaps that a thread sees which does nothing but read the clock. */
import { systemClock } from '../../clock.js'
import { histogramLength, quantileUnits, slotOf, unitsPerMs } from '../../measure/latency-histogram.js'

const spinMs = 100

/** Spins for 100 ms. */
export function measureHostNoise(): { p999Ms: number; maxMs: number } {
  const gaps = new Float64Array(histogramLength)
  const startMs = systemClock.nowMs()
  let beforeMs = startMs
  let count = 0
  let maxMs = 0
  while (beforeMs - startMs < spinMs) {
    const nowMs = systemClock.nowMs()
    const gapMs = nowMs - beforeMs
    // each millisecond of the spin counts, as requests due in it would: a gap of 5 ms is five of a hundred
    const weight = Math.max(1, Math.round(gapMs * 1000))
    gaps[slotOf(gapMs * unitsPerMs)]! += weight
    count += weight
    if (gapMs > maxMs) maxMs = gapMs
    beforeMs = nowMs
  }
  return { p999Ms: quantileUnits(gaps, count, 0.999) / unitsPerMs, maxMs }
}
