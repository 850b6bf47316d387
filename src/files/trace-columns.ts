/**
 * A trace's columns while they grow, in shared memory from the start. Pages that are reserved and never written take no
 * memory, so the first reservation can be generous and the finished columns are views, not copies.
 */
import type { TraceRequests } from '../workload/request-source.js'

/** The most that is read: 21 bytes each, so 2.8 GB. */
export const maxTraceRequests = 2 ** 27
const leastCapacity = 2 ** 16
/** 350 MB of addresses; beyond, columns double. */
const mostReserved = 2 ** 24

/** Steps back up to this long are clamped: logs of several threads or hosts are merged no better. */
export const maxStepBackMs = 1_000

export interface TraceColumns {
  readonly count: number
  /** Steps back in time that were clamped. */
  readonly clampedCount: number
  /** From the last pushed row to this one, ms; negative where the trace goes back in time. */
  stepTo(row: TraceRow): number
  push(row: TraceRow): void
  /** Spreads requests of one tick over it. The columns are not to be pushed to afterwards. */
  finish(): TraceRequests
}

/** One request, overwritten by the next: a row leaves no object behind. */
export interface TraceRow {
  key: number
  op: number
  valueBytes: number
  ttlSeconds: number
  /** Whole seconds, and the rest as a fraction in [0, 1): together they keep nanoseconds of a Unix time. */
  seconds: number
  fraction: number
  /** Digits after the point that are not trailing zeros. */
  fractionDigits: number
}

/** `expectedCount` may be far too high: what is not used takes no memory. */
export function createTraceColumns(expectedCount: number): TraceColumns {
  let capacity = Math.min(mostReserved, Math.max(leastCapacity, Math.ceil(expectedCount)))
  let keys = new Uint32Array(new SharedArrayBuffer(4 * capacity))
  let ops = new Uint8Array(new SharedArrayBuffer(capacity))
  let valueBytes = new Uint32Array(new SharedArrayBuffer(4 * capacity))
  let ttlSeconds = new Uint32Array(new SharedArrayBuffer(4 * capacity))
  let atMs = new Float64Array(new SharedArrayBuffer(8 * capacity))
  let count = 0
  let clampedCount = 0
  let finestDigits = 0
  let firstSeconds = 0
  let firstFraction = 0
  let lastMs = 0

  const msOf = (row: TraceRow) => (row.seconds - firstSeconds) * 1000 + (row.fraction - firstFraction) * 1000
  const grow = () => {
    capacity *= 2
    keys = copyInto(new Uint32Array(new SharedArrayBuffer(4 * capacity)), keys)
    ops = copyInto(new Uint8Array(new SharedArrayBuffer(capacity)), ops)
    valueBytes = copyInto(new Uint32Array(new SharedArrayBuffer(4 * capacity)), valueBytes)
    ttlSeconds = copyInto(new Uint32Array(new SharedArrayBuffer(4 * capacity)), ttlSeconds)
    atMs = copyInto(new Float64Array(new SharedArrayBuffer(8 * capacity)), atMs)
  }
  return {
    get count() {
      return count
    },
    get clampedCount() {
      return clampedCount
    },
    stepTo: (row) => (count === 0 ? 0 : msOf(row) - lastMs),
    push(row) {
      if (count === capacity) grow()
      if (count === 0) {
        firstSeconds = row.seconds
        firstFraction = row.fraction
      }
      if (row.fractionDigits > finestDigits) finestDigits = row.fractionDigits
      const ms = msOf(row)
      if (ms < lastMs) clampedCount += 1
      else lastMs = ms
      keys[count] = row.key
      ops[count] = row.op
      valueBytes[count] = row.valueBytes
      ttlSeconds[count] = row.ttlSeconds
      atMs[count] = lastMs
      count += 1
    },
    finish() {
      const times = atMs.subarray(0, count)
      spreadTicks(times, 1000 / 10 ** finestDigits)
      return {
        keys: keys.subarray(0, count),
        ops: ops.subarray(0, count),
        valueBytes: valueBytes.subarray(0, count),
        ttlSeconds: ttlSeconds.subarray(0, count),
        atMs: times,
      }
    },
  }
}

function copyInto<T extends Uint8Array | Uint32Array | Float64Array>(target: T, source: T): T {
  target.set(source)
  return target
}

/**
 * A clock of whole seconds shows a burst at each tick where there was none: n equal times become t, t + tick/n, … . The
 * same for any other tick; at microseconds it changes nothing that matters.
 */
function spreadTicks(atMs: Float64Array, tickMs: number): void {
  for (let start = 0; start < atMs.length; ) {
    const time = atMs[start]!
    let end = start + 1
    while (end < atMs.length && atMs[end] === time) end += 1
    const step = tickMs / (end - start)
    for (let at = start + 1; at < end; at++) atMs[at] = time + (at - start) * step
    start = end
  }
}
