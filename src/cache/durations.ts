/** Lengths of time as applications write them. */
import { invalid } from '../errors.js'

/** Milliseconds, or a number with its unit: `250ms`, `30s`, `5m`, `12h`, `7d`. */
export type Ms = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
/** What a server's PX takes, and far more than anybody means. */
const longestMs = 2 ** 42

/** Errors: `invalid`, naming the option. */
export function durationMs(option: string, value: Ms): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(value))
  const ms =
    typeof value === 'number' ? value : match ? Number(match[1]) * unitMs[unitOf(match[2]!)] : Number.NaN
  if (ms >= 0 && ms <= longestMs) return ms
  throw invalid(
    `${option}: ${JSON.stringify(value)} is no length of time`,
    'Give milliseconds as a number, or a text such as 250ms, 30s, 5m, 12h or 7d.',
  )
}

function unitOf(text: string): keyof typeof unitMs {
  return text === 'ms' || text === 's' || text === 'm' || text === 'h' ? text : 'd'
}
