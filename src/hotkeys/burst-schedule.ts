/** How long a burst may be and when the next one may come, so that sampling stays within its budget. */
import type { Random } from '../random.js'

/** Server time of one monitored command: 2.5 µs and 50 ns a byte of its line (measured on Redis 7.0). */
const fixedMicros = 2.5
const microsPerByte = 0.05
/** Connecting, MONITOR and closing, once a burst. */
const burstMicros = 100
const maxBurstMicros = 5_000
const minLines = 50
const maxLines = 500

export function costMicros(lines: number, bytes: number): number {
  return burstMicros + monitoringMicros(lines, bytes)
}

/** Server time of so many monitored commands, their lines so many bytes in total. */
export function monitoringMicros(lines: number, bytes: number): number {
  return lines * fixedMicros + bytes * microsPerByte
}

/** Lines for the next burst: at most 5 ms of the server's time. */
export function burstLines(meanLineBytes: number): number {
  const lines = Math.floor(maxBurstMicros / (fixedMicros + meanLineBytes * microsPerByte))
  return Math.max(minLines, Math.min(maxLines, lines))
}

/**
 * Pause after a burst of that cost. `nodeCount` nodes take turns, each with a budget of its own (a share of its time).
 * The jitter is not decoration: fixed steps see a periodic spike always or never.
 */
export function pauseMs(
  micros: number,
  options: { budget: number; nodeCount: number; random: Random },
): number {
  return (micros / 1000 / options.budget / options.nodeCount) * (0.5 + options.random.next())
}
