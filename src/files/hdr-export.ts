/** Histograms in HdrHistogram's own compressed encoding (V2, base64), which its tools in every language read. */
import { histogramLength, slotEnd, slotOf } from '../measure/latency-histogram.js'

/** Values above belong to no latency that we record; a longer text would only cost memory to decode. */
const maxTextLength = 200_000

/** 64-bit counts: a slot of a long run holds more than 2^31. */
const bitBucketSize = 64

/** `counts` a slot; values are recorded in units of 100 ns, three significant digits. */
export async function encodeHistogram(counts: ArrayLike<number>): Promise<string> {
  const { encodeIntoCompressedBase64 } = await import('hdr-histogram-js')
  return encodeIntoCompressedBase64(await toHdrHistogram(counts))
}

/** `scale`: of a unit of 100 ns, as in 100 for nanoseconds. */
export async function toHdrHistogram(counts: ArrayLike<number>, scale = 1) {
  const { build } = await import('hdr-histogram-js')
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2 ** 31 * scale,
    numberOfSignificantValueDigits: 3,
    bitBucketSize,
  })
  for (let slot = 0; slot < counts.length; slot++) {
    if (counts[slot]! > 0) histogram.recordValueWithCount(slotEnd(slot) * scale, counts[slot]!)
  }
  return histogram
}

/**
 * The counts a slot, exactly those that were encoded: HdrHistogram's buckets at three digits divide ours. Throws on a text
 * that is not such a histogram.
 */
export async function decodeHistogram(text: string): Promise<Float64Array> {
  if (text.length > maxTextLength) throw new Error('too long for a histogram of latencies')
  const { decodeFromCompressedBase64, JsHistogram } = await import('hdr-histogram-js')
  const histogram = decodeFromCompressedBase64(text, bitBucketSize)
  if (!(histogram instanceof JsHistogram)) throw new Error('not a histogram')
  const counts = new Float64Array(histogramLength)
  const values = histogram.recordedValuesIterator
  values.reset()
  while (values.hasNext()) {
    const { valueIteratedTo, countAddedInThisIterationStep } = values.next()
    counts[slotOf(valueIteratedTo)]! += countAddedInThisIterationStep
  }
  return counts
}
