/** The parts of a MONITOR line, at byte level: `1700000000.123456 [0 127.0.0.1:5000] "GET" "key"`. */

const quote = 0x22
const backslash = 0x5c
const letterX = 0x78
/** MONITOR also shows each command that a script runs: counting a call that names keys as well would count them twice. */
export const scriptCalls: ReadonlySet<string> = new Set([
  'eval',
  'eval_ro',
  'evalsha',
  'evalsha_ro',
  'fcall',
  'fcall_ro',
])

/** An argument between its quotes, still escaped. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Where the `]` after the address is; the address may be IPv6 in brackets, a socket's path or `lua`. -1: no command. */
export function addressEnd(line: Buffer): number {
  return line.indexOf('] "')
}

/** All whole arguments, of which the first begins with the quote at `from`. */
export function argumentSpans(line: Buffer, from: number): Span[] {
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

/** How long the argument is without its escapes, of which nothing is decoded. */
export function decodedLength(line: Buffer, { start, end }: Span): number {
  let length = 0
  for (let at = start; at < end; at++) {
    if (line[at] === backslash) at += line[at + 1] === letterX ? 3 : 1
    length += 1
  }
  return length
}

/** Redis' `sdscatrepr`: `\xHH`, `\n \r \t \a \b \" \\`; every other byte stands for itself. */
export function decode(line: Buffer, { start, end }: Span): Buffer {
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
