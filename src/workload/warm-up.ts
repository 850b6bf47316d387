/** Warm-ups as people write them. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import { parseDurationMs } from './duration.js'
import type { WarmupSpec } from './workload.js'

const longestDetectedMs = 60_000

/** `5s`, `auto`, or `auto:30s`: until the load is steady, at most so long. Errors: `invalid`, naming `what`. */
export function parseWarmup(text: string, what: string): WarmupSpec {
  if (text === 'auto') return { kind: 'detect', maxMs: longestDetectedMs }
  const [, longest] = /^auto:(.+)$/.exec(text) ?? []
  if (longest === undefined) return { kind: 'time', ms: parseDurationMs(text, what) }
  const maxMs = parseDurationMs(longest, what)
  if (maxMs > 0) return { kind: 'detect', maxMs }
  throw invalid(`${what} ${printable(text)}: expected a time above 0, as in auto:30s`)
}
