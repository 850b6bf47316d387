/**
 * MONITOR lines as requests to a cache: read, write or remove a key, how long the value is and lives. Value-blind: of a
 * value only its length is taken; what is decoded is the command, keys, and the options that hold a TTL.
 */
import type { KeyPositions } from './key-positions.js'
import { addressEnd, argumentSpans, decode, decodedLength, type Span, scriptCalls } from './monitor-line.js'

export interface CommandAccess {
  readonly positions: Pick<KeyPositions, 'of'>
  accessOf(command: string): 'read' | 'write' | 'other'
}

/** In the words of Twitter's traces. */
export type RequestOp = 'get' | 'set' | 'add' | 'append' | 'prepend' | 'incr' | 'decr' | 'delete'

export interface MonitoredRequest {
  readonly op: RequestOp
  readonly key: Buffer
  readonly valueBytes: number
  /** Rounded up; 0: none, or not said. */
  readonly ttlSeconds: number
}

export interface MonitoredLine {
  /** By the server's clock, µs since the Unix epoch. */
  readonly atMicros: number
  readonly database: number
  /** The connection, as the server names it: an address and port, `unix:…` or `lua`. */
  readonly client: string
  /** Empty: a command without keys, a script's call, or one that carries keys about rather than uses them. */
  readonly requests: readonly MonitoredRequest[]
}

/** undefined for what is not a command line. */
export function parseRequests(line: Buffer, commands: CommandAccess): MonitoredLine | undefined {
  const close = addressEnd(line)
  const spans = close < 0 ? [] : argumentSpans(line, close + 2)
  const [name] = spans
  const [, seconds, micros, database, client] =
    /^\+?(\d{1,12})\.(\d{6}) \[(\d+) (.*)$/s.exec(line.toString('latin1', 0, Math.max(0, close))) ?? []
  if (!name || client === undefined) return undefined
  const atMicros = Number(seconds) * 1e6 + Number(micros)
  const command = decode(line, name).toString('latin1').toLowerCase()
  const requests = new RequestReader(line, spans, atMicros / 1e6).read(command, commands)
  return { atMicros, database: Number(database), client, requests }
}

/** Other programs' moves and copies of keys are no requests; neither is watching one. */
const carriers: ReadonlySet<string> = new Set(['migrate', 'restore', 'restore-asking', 'dump'])
/** Writes to the server, but only a look at the key for a cache: memcached's touch. */
const touches: ReadonlySet<string> = new Set([
  'expire',
  'pexpire',
  'expireat',
  'pexpireat',
  'persist',
  'getex',
  'touch',
])
const counters: Readonly<Record<string, RequestOp>> = {
  incr: 'incr',
  incrby: 'incr',
  incrbyfloat: 'incr',
  decr: 'decr',
  decrby: 'decr',
}
/** A counter's digits are not in the command. */
const counterBytes = 8
const longestOption = 24
const maxTtlSeconds = 2 ** 32 - 1

class RequestReader {
  constructor(
    private readonly line: Buffer,
    private readonly spans: readonly Span[],
    private readonly atSeconds: number,
  ) {}

  read(command: string, { positions, accessOf }: CommandAccess): MonitoredRequest[] {
    if (scriptCalls.has(command) || carriers.has(command)) return []
    const keys = positions.of(command, this.spans.length, (index) => decode(this.line, this.spans[index]!))
    const [first] = keys
    if (first === undefined) return []
    switch (command) {
      case 'set':
        return [this.request('set', first, this.length(2), this.ttlFrom(3))]
      case 'setex':
        return [this.request('set', first, this.length(3), this.number(2))]
      case 'psetex':
        return [this.request('set', first, this.length(3), this.number(2) / 1000)]
      case 'setnx':
        return [this.request('add', first, this.length(2))]
      case 'append':
        return [this.request('append', first, this.length(2))]
      case 'mset':
      case 'msetnx':
        return keys.map((index) => this.request('set', index, this.length(index + 1)))
      case 'mget':
        return keys.map((index) => this.request('get', index))
      case 'del':
      case 'unlink':
      case 'getdel':
        return keys.map((index) => this.request('delete', index))
    }
    const counter = counters[command]
    if (counter) return [this.request(counter, first, counterBytes)]
    const access = accessOf(command)
    if (access === 'read' || touches.has(command)) return [this.request('get', first)]
    return access === 'write' ? [this.request('set', first, this.lengthAfter(first))] : []
  }

  private request(op: RequestOp, keyAt: number, valueBytes = 0, ttlSeconds = 0): MonitoredRequest {
    const ttl = ttlSeconds > 0 ? Math.min(maxTtlSeconds, Math.ceil(ttlSeconds)) : 0
    return { op, key: decode(this.line, this.spans[keyAt]!), valueBytes, ttlSeconds: ttl }
  }

  /** SET's options; a time that has passed already lives for the shortest there is. */
  private ttlFrom(index: number): number {
    for (let at = index; at < this.spans.length - 1; at++) {
      const option = this.option(at).toLowerCase()
      if (option === 'ex') return this.number(at + 1)
      if (option === 'px') return this.number(at + 1) / 1000
      if (option === 'exat') return Math.max(1, this.number(at + 1) - this.atSeconds)
      if (option === 'pxat') return Math.max(1, this.number(at + 1) / 1000 - this.atSeconds)
    }
    return 0
  }

  private length(index: number): number {
    const span = this.spans[index]
    return span ? decodedLength(this.line, span) : 0
  }

  private lengthAfter(index: number): number {
    let bytes = 0
    for (let at = index + 1; at < this.spans.length; at++) bytes += this.length(at)
    return bytes
  }

  private option(index: number): string {
    const span = this.spans[index]
    if (!span || span.end - span.start > longestOption) return ''
    return this.line.toString('latin1', span.start, span.end)
  }

  /** 0 for what is no number: the server will have refused it. */
  private number(index: number): number {
    const value = Number(this.option(index))
    return value > 0 ? value : 0
  }
}
