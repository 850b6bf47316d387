/** Writes the commands of a load from prepared pieces, without a string or an object a request. */
import { createHash } from 'node:crypto'
import type { Random } from '../../random.js'
import type { CommandTemplate, OperationSpec, TemplateArgument } from '../../workload/workload.js'
import type { LoadConnection } from './connection.js'
import type { LoadKeys } from './keys.js'
import { fillValue, type Stamp, writeStamp } from './values.js'

/** What a request needs to become bytes. */
export interface Writable {
  key: number
  valueBytes: number
  ttlSeconds: number
}

/** Values above this go to the socket as they are instead of being copied into its buffer. */
const copyLimitBytes = 64 * 1024
/** Of a trace of very many sizes the first so many are kept. */
const keptValues = 1_000
const expiryBytes = 64
/** For EX and its like, where a mix says that the key does not expire: ten years. */
const foreverSeconds = 315_360_000

const getHead = head(2, 'GET')
const setHead = head(3, 'SET')
const setExHead = head(5, 'SET')
const unlinkHead = head(2, 'UNLINK')

export class CommandWriter {
  private readonly values = new Map<number, Buffer>()
  private readonly expiries = new Map<number, Buffer>()
  private readonly templates: readonly Template[][]
  private readonly gets: readonly LoadKeys[]
  private readonly sets: readonly LoadKeys[]
  private readonly setsEx: readonly LoadKeys[]
  private readonly unlinks: readonly LoadKeys[]

  /** `keys`: for each operation, those of its keyspace. */
  constructor(
    operations: readonly OperationSpec[],
    private readonly keys: readonly LoadKeys[],
    private readonly random: Random,
  ) {
    this.templates = operations.map(({ commands }) => (commands ?? []).map(compile))
    const behind = (head: Buffer) => keys.map((each) => each.behind(head))
    this.gets = behind(getHead)
    this.sets = behind(setHead)
    this.setsEx = behind(setExHead)
    this.unlinks = behind(unlinkHead)
  }

  get(connection: LoadConnection, op: number, key: number): void {
    this.onKey(connection, this.gets[op]!, key)
  }

  unlink(connection: LoadConnection, op: number, key: number): void {
    this.onKey(connection, this.unlinks[op]!, key)
  }

  /** `stamp` where values are verified. */
  set(connection: LoadConnection, op: number, request: Writable, stamp: Stamp | undefined): void {
    const { key, valueBytes, ttlSeconds } = request
    const value = this.value(valueBytes)
    const keys = (ttlSeconds > 0 ? this.setsEx : this.sets)[op]!
    const out = connection.reserve(
      keys.maxBytes + expiryBytes + (valueBytes > copyLimitBytes ? 0 : value.length),
    )
    let at = keys.write(out, connection.writeStart, key)
    if (valueBytes > copyLimitBytes) at = this.bigValue(connection, at, value, valueBytes, stamp)
    else {
      out.set(value, at)
      at += value.length
      if (stamp) writeStamp(out, at - 2 - valueBytes, stamp, valueBytes)
    }
    if (ttlSeconds > 0) {
      const expiry = this.expiry(ttlSeconds)
      connection.reserve(expiryBytes).set(expiry, at)
      at += expiry.length
    }
    connection.writeStart = at
  }

  /** One MGET of `count` keys, `keys[order[0..count)]`. */
  getMany(connection: LoadConnection, op: number, numbers: Uint32Array, count: number): void {
    const keys = this.keys[op]!
    const out = connection.reserve(32 + count * keys.maxBytes)
    let at = connection.writeStart
    at += out.write(`*${count + 1}\r\n$4\r\nMGET\r\n`, at, 'latin1')
    for (let index = 0; index < count; index++) at = keys.write(out, at, numbers[index]!)
    connection.writeStart = at
  }

  /** All commands of the operation's templates; the number of replies they will have. */
  custom(connection: LoadConnection, op: number, request: Writable): number {
    const keys = this.keys[op]!
    const templates = this.templates[op]!
    for (const { start, parts } of templates) {
      const out = connection.reserve(start.length)
      out.set(start, connection.writeStart)
      connection.writeStart += start.length
      for (const part of parts) this.part(connection, part, keys, request)
    }
    return templates.length
  }

  private onKey(connection: LoadConnection, keys: LoadKeys, key: number): void {
    const out = connection.reserve(keys.maxBytes)
    connection.writeStart = keys.write(out, connection.writeStart, key)
  }

  private part(connection: LoadConnection, part: TemplatePart, keys: LoadKeys, request: Writable): void {
    switch (part.kind) {
      case 'bytes':
        append(connection, part.bytes)
        return
      case 'key': {
        const out = connection.reserve(keys.maxBytes)
        connection.writeStart = keys.write(out, connection.writeStart, request.key)
        return
      }
      case 'value':
        append(connection, this.value(request.valueBytes))
        return
      case 'ttl':
        appendNumber(connection, request.ttlSeconds || foreverSeconds)
        return
      case 'integer':
        appendNumber(connection, part.min + Math.floor(this.random.next() * (part.max - part.min + 1)))
        return
      default:
        part satisfies never
    }
  }

  /** Written by the socket from where it lies; a stamp needs a copy of its own. Returns where to go on writing. */
  private bigValue(
    connection: LoadConnection,
    at: number,
    value: Buffer,
    valueBytes: number,
    stamp: Stamp | undefined,
  ): number {
    connection.writeStart = at
    const bytes = stamp ? Buffer.from(value) : value
    if (stamp) writeStamp(bytes, bytes.length - 2 - valueBytes, stamp, valueBytes)
    connection.writeThrough(bytes)
    return connection.writeStart
  }

  private expiry(seconds: number): Buffer {
    const known = this.expiries.get(seconds)
    if (known) return known
    const made = Buffer.concat([bulk('EX'), bulk(String(seconds))])
    if (this.expiries.size < keptValues) this.expiries.set(seconds, made)
    return made
  }

  /** `$length CRLF bytes CRLF`. */
  private value(bytes: number): Buffer {
    const known = this.values.get(bytes)
    if (known) return known
    const made = Buffer.concat([Buffer.from(`$${bytes}\r\n`), fillValue(bytes), Buffer.from('\r\n')])
    if (this.values.size < keptValues) this.values.set(bytes, made)
    return made
  }
}

type TemplatePart =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | Exclude<TemplateArgument, { kind: 'text' } | { kind: 'script' }>

interface Template {
  readonly start: Buffer
  readonly parts: readonly TemplatePart[]
}

/** Neighbouring fixed arguments become one piece. */
function compile(template: CommandTemplate): Template {
  const parts: TemplatePart[] = []
  for (const argument of template) {
    if (argument.kind !== 'text' && argument.kind !== 'script') {
      parts.push(argument)
      continue
    }
    const bytes = bulk(argument.kind === 'script' ? scriptDigest(argument.text) : argument.text)
    const last = parts.at(-1)
    if (last?.kind === 'bytes')
      parts[parts.length - 1] = { kind: 'bytes', bytes: Buffer.concat([last.bytes, bytes]) }
    else parts.push({ kind: 'bytes', bytes })
  }
  return { start: Buffer.from(`*${template.length}\r\n`), parts }
}

/** How EVALSHA names a script. */
function scriptDigest(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

/** The Lua texts of all templates, once each. */
export function scriptsOf(operations: readonly OperationSpec[]): string[] {
  const texts = operations.flatMap(({ commands }) =>
    (commands ?? []).flat().flatMap((argument) => (argument.kind === 'script' ? [argument.text] : [])),
  )
  return [...new Set(texts)]
}

function head(count: number, name: string): Buffer {
  return Buffer.concat([Buffer.from(`*${count}\r\n`), bulk(name)])
}

function bulk(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
}

function append(connection: LoadConnection, bytes: Buffer): void {
  if (bytes.length > copyLimitBytes) {
    connection.writeThrough(bytes)
    return
  }
  const out = connection.reserve(bytes.length)
  out.set(bytes, connection.writeStart)
  connection.writeStart += bytes.length
}

function appendNumber(connection: LoadConnection, number: number): void {
  const digits = String(number)
  const out = connection.reserve(48)
  connection.writeStart += out.write(`$${digits.length}\r\n${digits}\r\n`, connection.writeStart, 'latin1')
}
