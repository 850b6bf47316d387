/**
 * A connection in MONITOR mode, chunk by chunk: `+1700000000.123456 [0 127.0.0.1:5000] "GET" "key"`. Value-blind: of a
 * line only the address, the command and its keys become text; all else is stepped over.
 */
import type { CommandKeys, KeyPositions } from './key-positions.js'
import { argumentSpans, decode, type Span, scriptCalls } from './monitor-line.js'
import type { SampledCommand } from './sampled.js'
import { hashStart, mix, TextCache } from './text-cache.js'

export interface MonitorStreamOptions {
  readonly positions: KeyPositions
  /** Keys of other databases are left out, their commands are counted. */
  readonly database: number
  onCommand(command: SampledCommand): void
  /** A line that is no command: `OK`, `RESET`, `-NOPERM …`. */
  onReply?(line: string): void
}

const newline = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const quote = 0x22
const plus = 0x2b
const point = 0x2e
const zero = 0x30
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
/** A word of a command's syntax, or a count. */
const longestWord = 24
/** Servers have 400 commands, in a few spellings each; a log may have any word in their place. */
const mostWordsKept = 1_024
const noKeys: readonly string[] = []

export class MonitorStream {
  /** Lines with a command, scripts' calls among them. */
  lineCount = 0
  /** Of these lines, from the command on, as the server wrote them. */
  argumentBytes = 0
  private readonly words = new TextCache(256)
  private readonly clients = new TextCache(1_024)
  private readonly commands = new Map<string, CommandKeys>()
  private pieces: Buffer[] = []

  private readonly take: MonitorStreamOptions['onCommand']

  constructor(private readonly options: MonitorStreamOptions) {
    this.take = options.onCommand
  }

  feed(chunk: Buffer): void {
    let start = 0
    if (this.pieces.length > 0) {
      const end = chunk.indexOf(newline)
      if (end < 0) {
        this.pieces.push(chunk)
        return
      }
      // a long line is put together once, not again with each piece
      const line = Buffer.concat([...this.pieces, chunk.subarray(0, end)])
      this.pieces = []
      this.read(line, 0, line.length)
      start = end + 1
    }
    for (let end = chunk.indexOf(newline, start); end >= 0; end = chunk.indexOf(newline, start)) {
      this.read(chunk, start, end)
      start = end + 1
    }
    if (start < chunk.length) this.pieces.push(chunk.subarray(start))
  }

  /** Bytes of a line that is not whole yet. */
  get pendingBytes(): number {
    return this.pieces.reduce((sum, piece) => sum + piece.length, 0)
  }

  private read(bytes: Buffer, start: number, lineEnd: number): void {
    const end = lineEnd > start && bytes[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd
    const first = bytes[start] === plus ? start + 1 : start
    // seconds have had ten digits since 2001, and will until 2286
    let at = bytes[first + 17] === space && bytes[first + 10] === point ? first + 17 : first
    while (at < end && bytes[at] !== space) at++
    if (bytes[at + 1] !== openBracket || at === first) {
      if (end > start) this.options.onReply?.(bytes.toString('latin1', start, Math.min(end, start + 500)))
      return
    }
    let database = 0
    for (at += 2; at < end && bytes[at] !== space; at++) database = database * 10 + bytes[at]! - zero
    const clientStart = at + 1
    let hash = hashStart
    for (at = clientStart; at < end; at++) {
      const byte = bytes[at]!
      // an IPv6 address and a socket's path may have brackets of their own
      if (byte === closeBracket && bytes[at + 1] === space && bytes[at + 2] === quote) break
      hash = mix(hash, byte)
    }
    if (at >= end) return
    const client = this.clients.latin1(bytes, clientStart, at, hash)
    this.lineCount += 1
    this.argumentBytes += end - at - 2
    this.readCommand(bytes, at + 2, end, client, database)
  }

  private readCommand(bytes: Buffer, start: number, end: number, client: string, database: number): void {
    let hash = hashStart
    let at = start + 1
    for (; at < end && bytes[at] !== quote; at++) hash = mix(hash, bytes[at]!)
    const keys = this.keysOf(this.words.latin1(bytes, start + 1, at, hash))
    if ((keys.only === 0 || keys.only === 1) && !keys.parts) {
      const key = keys.only === 1 ? this.firstArgument(bytes, at + 2, end) : undefined
      const isCounted = key !== undefined && database === this.options.database
      const command = { command: keys.name, bytes: end - start, client }
      if (keys.only === 0) this.take({ ...command, keys: noKeys, isKeyless: true })
      else this.take({ ...command, keys: isCounted ? [key] : noKeys })
      return
    }
    const { name, found } = this.allArguments(bytes.subarray(start, end), keys)
    const command = { command: name, bytes: end - start, client }
    if (found.length === 0) this.take({ ...command, keys: noKeys, isKeyless: true })
    else if (!scriptCalls.has(name))
      this.take({ ...command, keys: database === this.options.database ? found : noKeys })
  }

  /** undefined: it is not there, or cut off. */
  private firstArgument(bytes: Buffer, from: number, end: number): string | undefined {
    if (bytes[from] !== quote || from >= end) return undefined
    const start = from + 1
    let at = start
    for (; at < end; at++) {
      const byte = bytes[at]
      if (byte === quote) return bytes.toString('latin1', start, at)
      if (byte === backslash) break
    }
    for (; at < end && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++
    return at < end ? decode(bytes, { start, end: at }).toString('latin1') : undefined
  }

  private allArguments(line: Buffer, whole: CommandKeys): { name: string; found: string[] } {
    const spans = argumentSpans(line, 0)
    const word = (index: number) => wordAt(line, spans[index])
    const keys = whole.parts?.get(word(1).toLowerCase()) ?? whole
    const names = keys.of(spans.length, word).map((index) => decode(line, spans[index]!).toString('latin1'))
    return { name: keys.name, found: names.length > 1 ? [...new Set(names)] : names }
  }

  private keysOf(word: string): CommandKeys {
    const known = this.commands.get(word)
    if (known) return known
    const keys = this.options.positions.command(word.toLowerCase())
    if (this.commands.size < mostWordsKept) this.commands.set(word, keys)
    return keys
  }
}

function wordAt(line: Buffer, span: Span | undefined): string {
  if (!span || span.end - span.start > longestWord) return ''
  return decode(line, span).toString('latin1')
}
