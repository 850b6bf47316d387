/** Histograms in HdrHistogram's own compressed encoding (V2, base64), which its tools in every language read. */
import { slotEnd } from '../measure/latency-histogram.js'

/** `counts` a slot; values are recorded in units of 100 ns, three significant digits. */
export async function encodeHistogram(counts: ArrayLike<number>): Promise<string> {
  const { build, encodeIntoCompressedBase64 } = await import('hdr-histogram-js')
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2 ** 31,
    numberOfSignificantValueDigits: 3,
  })
  for (let slot = 0; slot < counts.length; slot++) {
    if (counts[slot]! > 0) histogram.recordValueWithCount(slotEnd(slot), counts[slot]!)
  }
  return encodeIntoCompressedBase64(histogram)
}
