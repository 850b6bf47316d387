/** Whether source and target hold one value under a key: what a crash between copy and removal leaves behind. */
import { type CopiedType, chunkElements, lengthCommand, readStreamInfo } from './copy-chunks.js'
import type { Pair } from './pair.js'
import { type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

/**
 * Equal DUMPs are equal values. Unequal ones may be too: a hash or set has no order, and its DUMP follows the table's
 * seed. Those are compared by their elements. The expiry must agree to the millisecond: a copy of ours has it exactly.
 */
export async function sameValue(
  { source, target }: Pair,
  copy: { readonly key: Buffer; readonly payload: Buffer; readonly expiresAtMs: number },
): Promise<boolean> {
  const [payload, expiry] = await target.send([
    ['DUMP', copy.key],
    ['PEXPIRETIME', copy.key],
  ])
  if (payload instanceof ReplyError) throw replyFailure(target.access, 'DUMP', payload)
  if (Math.max(0, Number(expiry)) !== copy.expiresAtMs || !Buffer.isBuffer(payload)) return false
  if (payload.equals(copy.payload)) return true
  const [ourType, theirType] = await Promise.all([
    source.call('TYPE', copy.key),
    target.call('TYPE', copy.key),
  ])
  // a string and a list of one element read alike
  if (ourType !== theirType) return false
  const [ours, theirs] = await Promise.all([readElements(source, copy.key), readElements(target, copy.key)])
  return (
    ours !== undefined &&
    theirs !== undefined &&
    ours.length === theirs.length &&
    ours.every((each, i) => each.equals(theirs[i]!))
  )
}

/** Two big keys of one server and one type, compared chunk by chunk: a whole DUMP would stall it. */
export async function sameElements(
  connection: RespConnection,
  keys: { readonly type: CopiedType; readonly a: Buffer; readonly b: Buffer },
): Promise<boolean> {
  const { type, a, b } = keys
  const [lengthA, lengthB] = await connection.send([
    [lengthCommand[type], a],
    [lengthCommand[type], b],
  ])
  if (lengthA !== lengthB || lengthA instanceof ReplyError) return false
  switch (type) {
    case 'string':
      return sameRanges(connection, { a, b, length: Number(lengthA), command: 'GETRANGE', step: 256 * 1024 })
    case 'list':
      return sameRanges(connection, { a, b, length: Number(lengthA), command: 'LRANGE', step: chunkElements })
    case 'stream':
      return sameStreams(connection, a, b)
    case 'hash':
    case 'set':
    case 'zset':
      return sameMembers(connection, { type, a, b })
    default:
      return type satisfies never
  }
}

async function sameRanges(
  connection: RespConnection,
  run: { a: Buffer; b: Buffer; length: number; command: 'GETRANGE' | 'LRANGE'; step: number },
): Promise<boolean> {
  for (let at = 0; at < run.length; at += run.step) {
    const [inA, inB] = await connection.send([
      [run.command, run.a, at, at + run.step - 1],
      [run.command, run.b, at, at + run.step - 1],
    ])
    if (!sameReply(inA!, inB!)) return false
  }
  return true
}

/** Entries and the counters that outlive them; a stream with consumer groups is never the same as another. */
async function sameStreams(connection: RespConnection, a: Buffer, b: Buffer): Promise<boolean> {
  const [infoA, infoB] = await Promise.all([readStreamInfo(connection, a), readStreamInfo(connection, b)])
  const fields = ['last-generated-id', 'max-deleted-entry-id', 'entries-added', 'groups']
  if (fields.some((field) => String(infoA.get(field)) !== String(infoB.get(field)))) return false
  if (Number(infoA.get('groups')) > 0) return false
  for (let from = '-'; ; ) {
    const range = (key: Buffer) => list(connection, 'XRANGE', key, from, '+', 'COUNT', chunkElements)
    const [inA, inB] = await Promise.all([range(a), range(b)])
    if (!sameReply(inA, inB)) return false
    const last = inA.at(-1)
    if (!Array.isArray(last)) return true
    from = `(${String(last[0])}`
  }
}

async function sameMembers(
  connection: RespConnection,
  { type, a, b }: { type: 'hash' | 'set' | 'zset'; a: Buffer; b: Buffer },
): Promise<boolean> {
  const scan = { hash: 'HSCAN', set: 'SSCAN', zset: 'ZSCAN' }[type]
  const lookUp = { hash: 'HMGET', set: 'SMISMEMBER', zset: 'ZMSCORE' }[type]
  let cursor = '0'
  do {
    const [next, found] = await list(connection, scan, a, cursor, 'COUNT', chunkElements)
    cursor = String(next)
    const flat = Array.isArray(found) ? found.map(asBuffer) : []
    const names = type === 'set' ? flat : flat.filter((_, i) => i % 2 === 0)
    if (names.length === 0) continue
    const values = await list(connection, lookUp, b, ...names)
    // ZSCAN may write a score with more digits than ZMSCORE does (Redis 7.2, Valkey 8)
    const own = type === 'zset' ? await list(connection, lookUp, a, ...names) : flat.filter((_, i) => i % 2)
    const same = values.every((value, i) => (type === 'set' ? value === 1 : sameReply(value, own[i]!)))
    if (!same) return false
  } while (cursor !== '0')
  return true
}

function sameReply(a: Reply, b: Reply): boolean {
  if (Buffer.isBuffer(a)) return Buffer.isBuffer(b) && a.equals(b)
  if (!Array.isArray(a)) return !(a instanceof ReplyError) && a === b
  return Array.isArray(b) && a.length === b.length && a.every((each, i) => sameReply(each, b[i]!))
}

/** Elements in an order that the value alone decides; undefined for a type that has no such reading. */
async function readElements(connection: RespConnection, key: Buffer): Promise<Buffer[] | undefined> {
  const type = await connection.call('TYPE', key)
  switch (type) {
    case 'string':
      return [asBuffer(await connection.call('GET', key))]
    case 'list':
      return (await list(connection, 'LRANGE', key, 0, -1)).map(asBuffer)
    case 'set':
      return (await list(connection, 'SMEMBERS', key)).map(asBuffer).sort(Buffer.compare)
    case 'zset':
      return (await list(connection, 'ZRANGE', key, 0, -1, 'WITHSCORES')).map(asBuffer)
    case 'hash':
      return pairs((await list(connection, 'HGETALL', key)).map(asBuffer)).sort(Buffer.compare)
    default:
      return undefined
  }
}

async function list(
  connection: RespConnection,
  ...command: [string, ...(Buffer | string | number)[]]
): Promise<Reply[]> {
  const reply = await connection.call(...command)
  return Array.isArray(reply) ? reply : []
}

/** Field and value as one, with the field's length before it, so that no two pairs read alike. */
function pairs(flat: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) {
    joined.push(Buffer.concat([Buffer.from(`${flat[i]!.length}:`), flat[i]!, flat[i + 1]!]))
  }
  return joined
}

function asBuffer(reply: Reply): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.from(String(reply))
}
