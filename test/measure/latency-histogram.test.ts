import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { encodeHistogram } from '../../src/files/hdr-export.js'
import {
  histogramLength,
  mergeCounts,
  quantileUnits,
  slotEnd,
  slotOf,
  summarize,
} from '../../src/measure/latency-histogram.js'

const units = fc.oneof(fc.nat({ max: 1_000 }), fc.nat({ max: 2_000_000 }), fc.nat({ max: 2 ** 31 - 1 }))
const samples = fc.array(units, { minLength: 1, maxLength: 300 })

function record(values: readonly number[]): Float64Array {
  const counts = new Float64Array(histogramLength)
  for (const value of values) counts[slotOf(value)]! += 1
  return counts
}

describe('the latency histogram', () => {
  it('knows a value to better than 0.8 %', () => {
    fc.assert(
      fc.property(units, (value) => {
        const end = slotEnd(slotOf(value))
        assert.ok(end >= value && end <= value * 1.008 + 1)
      }),
    )
  })

  it('counts what is longer than the longest as the longest', () => {
    assert.equal(slotOf(2 ** 40), slotOf(2 ** 31 - 1))
    assert.ok(slotOf(2 ** 40) < histogramLength)
  })

  it('has the quantiles of the sorted values', () => {
    fc.assert(
      fc.property(samples, fc.constantFrom(0.5, 0.9, 0.99, 0.999, 1), (values, quantile) => {
        const sorted = [...values].sort((a, b) => a - b)
        const exact = sorted[Math.ceil(quantile * sorted.length) - 1]!
        assert.equal(quantileUnits(record(values), values.length, quantile), slotEnd(slotOf(exact)))
      }),
    )
  })

  it('takes a share of whole values exactly: the 9,999th of 10,000 is their p99.99', () => {
    const counts = record([...Array.from({ length: 9_999 }, () => 100), 200])
    assert.equal(quantileUnits(counts, 10_000, 0.9999), slotEnd(slotOf(100)))
    assert.equal(summarize(counts).p9999Ms, 0.01)
    assert.equal(summarize(record([...Array.from({ length: 94 }, () => 100), 200, 200, 200])).p95Ms, 0.01)
  })

  it('merged is recorded together', () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const merged = record(a)
        mergeCounts(merged, record(b))
        assert.deepEqual(merged, record([...a, ...b]))
      }),
    )
  })

  it('sums up: count, mean within 0.8 %, largest', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const { count, meanMs, maxMs } = summarize(record(values))
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length / 10_000
        assert.equal(count, values.length)
        assert.ok(Math.abs(meanMs - mean) <= mean * 0.008 + 0.0001)
        assert.ok(maxMs * 10_000 > Math.max(...values) - 0.5)
      }),
    )
  })

  it('is read back by HdrHistogram itself', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (values) => {
        const theirs = decodeFromCompressedBase64(await encodeHistogram(record(values)))
        assert.equal(theirs.totalCount, values.length)
        const exact = slotEnd(slotOf(Math.max(...values)))
        assert.ok(Math.abs(theirs.maxValue - exact) <= exact * 0.001 + 1)
      }),
      { numRuns: 30 },
    )
  })
})
