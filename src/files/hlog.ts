/**
 * A run as HdrHistogram's log, format 1.3 (https://github.com/HdrHistogram/HdrHistogram, HistogramLogWriter): one line an
 * interval and operation, the operation as its tag. Written as the run goes, so that an hour takes no more memory than a
 * second. Values are nanoseconds: the log tools show milliseconds without being told a unit.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../clock.js'
import { type CachectlError, describeError, invalid, stopped } from '../errors.js'
import { printable } from '../printable.js'
import { toHdrHistogram } from './hdr-export.js'

export interface Hlog {
  /** `counts` a slot, as the main latency of the operation; `startSec` since measuring began. */
  interval(interval: HlogInterval): void
  /** Waits for what is on its way to the disk. Errors: `stopped`, naming the file. */
  close(): Promise<void>
}

export interface HlogInterval {
  readonly startSec: number
  readonly seconds: number
  readonly op: string
  readonly counts: ArrayLike<number>
}

const nsPerUnit = 100
const nsPerMs = 1_000_000

/** Errors: `invalid` where the file can't be opened: nothing was run then. */
export async function openHlog(path: string, clock: Clock): Promise<Hlog> {
  const problem = (error: unknown) => `histogram log ${printable(path)}: ${describeError(error)}`
  const file: FileHandle = await open(path, 'w').catch((error: unknown) => {
    throw invalid(problem(error), 'Nothing was run.', error)
  })
  let failure: CachectlError | undefined
  let header: string | undefined = ''
  let written: Promise<void> = Promise.resolve()
  const append = (text: () => Promise<string>) => {
    written = written.then(async () => {
      if (failure) return
      try {
        await file.appendFile(await text())
      } catch (error) {
        failure = stopped(problem(error), 'The log ends where the file could not be written.', error)
      }
    })
  }
  return {
    interval(interval) {
      if (header !== undefined) {
        const start = headerOf(clock.wallMs() - (interval.startSec + interval.seconds) * 1000)
        append(async () => start)
        header = undefined
      }
      append(() => lineOf(interval))
    },
    async close() {
      await written
      await file.close()
      if (failure) throw failure
    },
  }
}

/** `startMs`: when measuring began; the lines' times count from there. */
function headerOf(startMs: number): string {
  const seconds = (startMs / 1000).toFixed(3)
  return [
    '#[Latencies of cachectl bench, in nanoseconds, tagged by operation]',
    '#[Histogram log format version 1.3]',
    `#[StartTime: ${seconds} (seconds since epoch), ${new Date(startMs).toISOString()}]`,
    `#[BaseTime: ${seconds} (seconds since epoch)]`,
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    '',
  ].join('\n')
}

async function lineOf({ startSec, seconds, op, counts }: HlogInterval): Promise<string> {
  const { encodeIntoCompressedBase64 } = await import('hdr-histogram-js')
  const histogram = await toHdrHistogram(counts, nsPerUnit)
  if (histogram.totalCount === 0) return ''
  const max = (histogram.maxValue / nsPerMs).toFixed(3)
  const tag = op.replace(/[\s,]/g, '_')
  return `Tag=${tag},${startSec.toFixed(3)},${seconds.toFixed(3)},${max},${encodeIntoCompressedBase64(histogram)}\n`
}
