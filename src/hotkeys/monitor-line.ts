/**
 * Reads MONITOR lines at byte level: `1700000000.123456 [0 127.0.0.1:5000] "GET" "key"`. Value-blind: only the command
 * and the arguments at key positions are ever decoded.
 */
import type { KeyPositions } from './key-positions.js'

export interface MonitoredCommand {
  /** Lower case. */
  readonly command: string
  readonly keys: readonly Buffer[]
}

const quote = 0x22
const backslash = 0x5c
const scriptCalls = new Set(['eval', 'eval_ro', 'evalsha', 'evalsha_ro', 'fcall', 'fcall_ro'])

/**
 * undefined for what is not a command line, and for script calls: MONITOR also shows each command that a script runs,
 * and counting both would count its keys twice. The address may be IPv6 in brackets, a socket's path or `lua`.
 */
export function parseMonitorLine(line: Buffer, positions: KeyPositions): MonitoredCommand | undefined {
  const open = line.indexOf('] "')
  if (open < 0) return undefined
  const spans = argumentSpans(line, open + 2)
  const [name] = spans
  if (!name) return undefined
  const command = decode(line, name).toString('latin1').toLowerCase()
  if (scriptCalls.has(command)) return undefined
  const keys = positions.of(command, spans.length, (index) => decode(line, spans[index]!))
  return { command, keys: keys.map((index) => decode(line, spans[index]!)) }
}

interface Span {
  readonly start: number
  readonly end: number
}

function argumentSpans(line: Buffer, from: number): Span[] {
  const spans: Span[] = []
  let at = from
  while (line[at] === quote) {
    const start = at + 1
    at = start
    while (at < line.length && line[at] !== quote) at += line[at] === backslash ? 2 : 1
    if (at >= line.length) break // cut off: the last argument is not whole
    spans.push({ start, end: at })
    at += 2
  }
  return spans
}

const simpleEscapes: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  a: 7,
  b: 8,
  '"': quote,
  '\\': backslash,
}

/** Redis' `sdscatrepr`: `\xHH`, `\n \r \t \a \b \" \\`; every other byte stands for itself. */
function decode(line: Buffer, { start, end }: Span): Buffer {
  const raw = line.subarray(start, end)
  if (!raw.includes(backslash)) return Buffer.from(raw)
  const out = Buffer.allocUnsafe(raw.length)
  let length = 0
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] !== backslash) {
      out[length++] = raw[at]!
      continue
    }
    at += 1
    const code = String.fromCharCode(raw[at] ?? 0)
    if (code === 'x') {
      out[length++] = Number.parseInt(raw.toString('latin1', at + 1, at + 3), 16)
      at += 2
    } else {
      out[length++] = simpleEscapes[code] ?? raw[at] ?? 0
    }
  }
  return Buffer.from(out.subarray(0, length))
}
