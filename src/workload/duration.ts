/** Lengths of time as people write them. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** `500ms`, `10s`, `2m`, `1h` to milliseconds. Errors: `invalid`, naming the flag. */
export function parseDurationMs(text: string, flag: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(digits) * unitMs[(unit ?? 's') as keyof typeof unitMs]
  if (digits !== undefined && Number.isFinite(ms)) return ms
  throw invalid(`${flag} ${printable(text)}: expected a number with ms, s, m or h, as in 10s`)
}

/** The shortest text that `parseDurationMs` reads back. */
export function formatDurationMs(ms: number): string {
  if (ms < 1_000 || ms % 100 !== 0) return `${ms}ms`
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0 && ms >= 120_000) return `${ms / 60_000}m`
  return `${ms / 1_000}s`
}
