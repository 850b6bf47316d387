/**
 * Commands as people write them, one line each: `ZADD {key} {int:1..100} {value}`. Words are split at spaces; a word in
 * double quotes knows \" \\ \n \r \t, one in single quotes is taken as it is; neither holds placeholders.
 */
import { invalid } from '../errors.js'
import { nearest } from '../nearest-name.js'
import { printable } from '../printable.js'
import type { CommandTemplate, TemplateArgument } from './workload.js'

/** The random numbers behind `{int:…}` have 32 bits. */
const maxIntegerSpan = 2 ** 32
const maxTemplateChars = 4_096
const placeholders = ['{key}', '{value}', '{ttl}', '{int:LO..HI}']

/** Their replies come late, never, or without having been asked for: one would stop the connection it was sent on. */
const unsuited = new Set(
  `BLPOP BRPOP BLMOVE BLMPOP BRPOPLPUSH BZPOPMIN BZPOPMAX BZMPOP SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE
  SUNSUBSCRIBE MONITOR SYNC PSYNC MULTI EXEC DISCARD AUTH HELLO SELECT RESET QUIT CLIENT`.split(/\s+/),
)

interface Word {
  readonly text: string
  readonly at: number
  readonly quoted: boolean
}

/**
 * Whole numbers of `{int:LO..HI}` include both ends. Exactly one `{key}`: a request goes to the node that owns its key.
 * Errors: `invalid`, with a caret under the place.
 */
export function parseCommandTemplate(text: string): CommandTemplate {
  const words = splitWords(text)
  const [first] = words
  if (!first) return fail(text, 0, 'expected a command, as in GETEX {key} EX {ttl}')
  const template = words.map((word) => toArgument(text, word))
  if (template[0]?.kind !== 'text') return fail(text, first.at, "expected the command's name first")
  const name = first.text.toUpperCase()
  const waits = name.startsWith('XREAD') && words.some((word) => word.text.toUpperCase() === 'BLOCK')
  if (waits || unsuited.has(name))
    return fail(
      text,
      first.at,
      `${printable(first.text, 40)} waits, or changes what its connection is: no load can be made of it`,
    )
  const keys = words.filter((_, index) => template[index]?.kind === 'key')
  if (keys.length === 0)
    return fail(text, text.trimEnd().length, 'expected {key}: it says which node the command goes to')
  if (keys[1]) return fail(text, keys[1].at, 'a second {key}, expected one: a request has one key')
  return template
}

/** Arguments after a script and its key: as a command's, without a name and without `{key}`. Errors: as above. */
export function parseScriptArguments(text: string): CommandTemplate {
  return splitWords(text).map((word) => {
    const argument = toArgument(text, word)
    if (argument.kind === 'key')
      return fail(text, word.at, 'the key stands in KEYS[1] already, expected no {key}')
    return argument
  })
}

function splitWords(text: string): Word[] {
  if (text.length > maxTemplateChars)
    throw invalid(`command: ${text.length.toLocaleString('en')} characters, at most 4,096 are possible`)
  const words: Word[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at += 1
      continue
    }
    const word = text[at] === '"' || text[at] === "'" ? quotedWord(text, at) : plainWord(text, at)
    words.push(word)
    at = word.end
    if (word.quoted && at < text.length && !/\s/.test(text[at]!))
      return fail(text, at, 'expected a space after the closing quote')
  }
  return words
}

function plainWord(text: string, at: number): Word & { end: number } {
  const [word = ''] = /^\S+/.exec(text.slice(at)) ?? []
  const quote = word.search(/["']/)
  if (quote >= 0) return fail(text, at + quote, 'a quote inside a word, expected it at the start')
  return { text: word, at, quoted: false, end: at + word.length }
}

const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', r: '\r', t: '\t' }

function quotedWord(text: string, at: number): Word & { end: number } {
  const quote = text[at]
  let word = ''
  for (let index = at + 1; index < text.length; index++) {
    const char = text[index]!
    if (char === quote) return { text: word, at, quoted: true, end: index + 1 }
    if (char !== '\\' || quote === "'") {
      word += char
      continue
    }
    const escaped = escapes[text[index + 1] ?? '']
    if (escaped === undefined) return fail(text, index, String.raw`expected \" \\ \n \r or \t`)
    word += escaped
    index += 1
  }
  return fail(text, at, `the quote is not closed, expected ${quote}`)
}

function toArgument(line: string, { text, at, quoted }: Word): TemplateArgument {
  if (quoted) return { kind: 'text', text }
  const place = /\{[a-z]+(?::[^}]*)?\}/i.exec(text)
  if (!place) return { kind: 'text', text }
  const [token] = place
  if (token !== text)
    return fail(
      line,
      at + place.index,
      `${printable(token, 40)} is part of a word, expected it alone (or in quotes)`,
    )
  if (token === '{key}') return { kind: 'key' }
  if (token === '{value}') return { kind: 'value' }
  if (token === '{ttl}') return { kind: 'ttl' }
  if (/^\{int\b/.test(token)) return toInteger(line, at, token)
  const near = nearest(token, placeholders)
  return fail(
    line,
    at,
    near ? `expected ${near}?` : `expected one of ${placeholders.join(', ')}, or quotes around it`,
  )
}

function toInteger(line: string, at: number, token: string): TemplateArgument {
  const [, low, high] = /^\{int:(-?\d{1,15})\.\.(-?\d{1,15})\}$/.exec(token) ?? []
  const [min, max] = [Number(low), Number(high)]
  if (low === undefined || high === undefined)
    return fail(line, at, 'expected {int:LO..HI} with two whole numbers, as in {int:1..100}')
  if (min > max) return fail(line, at, 'the first number is above the second, expected {int:LO..HI}')
  if (max - min >= maxIntegerSpan) return fail(line, at, 'expected at most 4,294,967,296 numbers')
  return { kind: 'integer', min, max }
}

/** Lines of a command that spans several are shown as one, so that the caret stands right. */
function fail(text: string, at: number, message: string): never {
  const before = printable(text.slice(0, at))
  throw invalid(`command: ${message}\n  ${printable(text)}\n  ${' '.repeat(before.length)}^`)
}
