/**
 * A saved log of MONITOR as a source: `redis-cli monitor > FILE`, plain or gzip, or standard input. Lines of one slice of
 * time are a burst. Any size in bounded memory; of values only the length is taken.
 */
import { invalid } from '../errors.js'
import type { KeyPositions } from '../hotkeys/key-positions.js'
import { MonitorStream } from '../hotkeys/monitor-stream.js'
import { logNode, type SampledCommand } from '../hotkeys/sampled.js'
import type { LogPort } from '../operations/hotkeys/ports.js'
import { printable } from '../printable.js'
import { readUnpacked } from './trace-bytes.js'

export interface MonitorLogOptions {
  readonly positions: KeyPositions
  /** Keys of other databases are left out, their commands are counted. */
  readonly database: number
}

export interface MonitorLog extends LogPort {
  /** Lines that are neither a command nor what `redis-cli` says at the start. */
  readonly brokenLines: number
}

const sliceMs = 100
const newline = 0x0a
const dot = 0x2e
const space = 0x20
const plus = 0x2b
/** A longer one is read without its tail, in which no key is expected. */
const maxLineBytes = 2 ** 20
/** Of seconds and six digits. */
const longestTime = 18
const lineEnd = Buffer.from('\n')

/** `path` may be `-`. Errors of bursts: `invalid` for what cannot be read, or has no line of MONITOR. */
export function openMonitorLog(path: string, options: MonitorLogOptions): MonitorLog {
  return new LogSource(path, options)
}

interface Slice {
  readonly commands: SampledCommand[]
  bytes: number
  startMs: number
}

class LogSource implements MonitorLog {
  readonly name = 'log'
  readonly sees = 'commands'
  isAtEnd = false
  commandCount = 0
  brokenLines = 0
  private readonly lines: AsyncGenerator<Buffer[]>
  private readonly stream: MonitorStream
  private waiting: Buffer[] = []
  private next = 0
  private firstMs: number | undefined
  private lastMs = 0
  private taken: SampledCommand | undefined
  private wasReply = false

  constructor(
    private readonly path: string,
    options: MonitorLogOptions,
  ) {
    this.lines = linesOf(readUnpacked(path, 'log'))
    this.stream = new MonitorStream({
      ...options,
      onCommand: (command) => {
        this.taken = command
      },
      onReply: (line) => {
        this.wasReply = line === 'OK' || line === '+OK'
      },
    })
  }

  get spanMs(): number {
    return this.firstMs === undefined ? 0 : this.lastMs - this.firstMs
  }

  get notes(): string[] {
    return [
      `the log ${printable(this.path)}: all that was monitored in ${(this.spanMs / 1000).toFixed(1)} s, as one node`,
      ...(this.brokenLines > 0
        ? [`${this.brokenLines.toLocaleString('en')} lines are no lines of MONITOR and were left out`]
        : []),
    ]
  }

  async burst(_node: string, limits: { readonly maxLines: number; readonly maxBytes: number }) {
    const slice: Slice = { commands: [], bytes: 0, startMs: 0 }
    while (!this.isAtEnd) {
      if (this.next >= this.waiting.length) await this.refill()
      else if (!this.read(slice, this.waiting[this.next]!, limits)) break
      else this.next += 1
    }
    return { node: logNode, atMs: slice.startMs, commands: slice.commands, bytes: slice.bytes }
  }

  async close(): Promise<void> {
    await this.lines.return(undefined)
  }

  private async refill(): Promise<void> {
    const more = await this.lines.next()
    this.next = 0
    this.waiting = more.done ? [] : more.value
    if (!more.done) return
    this.isAtEnd = true
    if (this.firstMs === undefined)
      throw invalid(
        `log ${printable(this.path)}: no line of MONITOR (${this.brokenLines.toLocaleString('en')} others)`,
        'Save one with: redis-cli monitor > FILE',
      )
  }

  /** false: the line belongs to the next burst. */
  private read(
    slice: Slice,
    line: Buffer,
    limits: { readonly maxLines: number; readonly maxBytes: number },
  ): boolean {
    const atMs = timeOf(line)
    if (atMs !== undefined && slice.startMs > 0) {
      const isFull = slice.commands.length >= limits.maxLines || slice.bytes >= limits.maxBytes
      // a clock that went back begins a new slice too
      if (isFull || atMs >= slice.startMs + sliceMs || atMs < slice.startMs) return false
    }
    const before = this.stream.lineCount
    const command = this.parse(line)
    if (this.stream.lineCount === before || atMs === undefined) {
      if (!this.wasReply && line.length > lineEnd.length) this.brokenLines += 1
      return true
    }
    if (slice.startMs === 0) slice.startMs = atMs
    this.firstMs ??= atMs
    this.lastMs = Math.max(this.lastMs, atMs)
    if (command) {
      this.commandCount += 1
      slice.bytes += command.bytes
      slice.commands.push(command)
    }
    return true
  }

  /** undefined: no command, or a script's call. */
  private parse(line: Buffer): SampledCommand | undefined {
    this.taken = undefined
    this.wasReply = false
    this.stream.feed(line)
    return this.taken
  }
}

/** `1700000000.123456 ` in ms; undefined for other lines. */
function timeOf(line: Buffer): number | undefined {
  const start = line[0] === plus ? 1 : 0
  let micros = 0
  let dotAt = 0
  let at = start
  for (; at < line.length && line[at] !== space; at++) {
    if (line[at] === dot) {
      if (dotAt > 0) return undefined
      dotAt = at
      continue
    }
    const digit = line[at]! - 0x30
    if (digit < 0 || digit > 9 || at - start > longestTime) return undefined
    micros = micros * 10 + digit
  }
  return dotAt > start && at - dotAt === 7 ? micros / 1000 : undefined
}

/** Whole lines with their ends, as many at a time as a chunk has. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let pieces: Buffer[] = []
  let kept = 0
  const keep = (piece: Buffer) => {
    const part = piece.subarray(0, Math.max(0, maxLineBytes - kept))
    if (part.length > 0) pieces.push(part)
    kept += part.length
  }
  for await (const chunk of chunks) {
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      if (pieces.length === 0) lines.push(chunk.subarray(start, end + 1))
      else {
        keep(chunk.subarray(start, end))
        lines.push(Buffer.concat([...pieces, lineEnd]))
        pieces = []
        kept = 0
      }
      start = end + 1
    }
    if (start < chunk.length) keep(chunk.subarray(start))
    if (lines.length > 0) yield lines
  }
  if (pieces.length > 0) yield [Buffer.concat([...pieces, lineEnd])]
}
