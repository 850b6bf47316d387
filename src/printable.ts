/**
 * Keys and server texts are untrusted: this is the one way they reach a screen, a log or an error.
 * Invariant: the result holds no control, C1, bidi, line-separator or format character and no invalid UTF-8.
 */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes or text as one safe line. Invalid UTF-8 bytes become `\xNN`, unsafe characters `\u{…}` (or `\n \r \t \0`),
 * and a backslash `\\`, so that the escape is reversible.
 */
export function printable(text: Uint8Array | string, maxChars = Number.POSITIVE_INFINITY): string {
  let out = ''
  let shown = 0
  for (const part of typeof text === 'string' ? characters(text) : decode(text)) {
    if (shown >= maxChars) return `${out}…`
    out += part
    shown += 1
  }
  return out
}

function* characters(text: string): Generator<string> {
  for (const char of text) yield escapeChar(char)
}

function* decode(bytes: Uint8Array): Generator<string> {
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]!)
    const isWhole = length > 0 && at + length <= bytes.length
    const char = isWhole ? tryDecode(bytes.subarray(at, at + length)) : undefined
    if (char === undefined) {
      yield `\\x${bytes[at]!.toString(16).padStart(2, '0')}`
      at += 1
    } else {
      yield escapeChar(char)
      at += length
    }
  }
}

function sequenceLength(first: number): number {
  if (first < 0x80) return 1
  if (first >= 0xc2 && first < 0xe0) return 2
  if (first >= 0xe0 && first < 0xf0) return 3
  if (first >= 0xf0 && first < 0xf5) return 4
  return 0
}

function tryDecode(bytes: Uint8Array): string | undefined {
  if (bytes.length === 1) return String.fromCharCode(bytes[0]!)
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined // not UTF-8: the caller shows the byte itself
  }
}

function escapeChar(char: string): string {
  switch (char) {
    case '\\':
      return '\\\\'
    case '\n':
      return '\\n'
    case '\r':
      return '\\r'
    case '\t':
      return '\\t'
    case '\0':
      return '\\0'
    default:
      return unsafe.test(char) || isLoneSurrogate(char) ? `\\u{${char.codePointAt(0)!.toString(16)}}` : char
  }
}

function isLoneSurrogate(char: string): boolean {
  return char.length === 1 && char >= '\ud800' && char <= '\udfff'
}
