/** Copies a value piece by piece, each type by its own commands. The source does not change meanwhile, or is watched. */
import { stopped } from '../errors.js'
import { printable } from '../printable.js'
import { type Command, type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

export const lengthCommand = {
  string: 'STRLEN',
  hash: 'HLEN',
  set: 'SCARD',
  zset: 'ZCARD',
  list: 'LLEN',
  stream: 'XLEN',
} as const
export type CopiedType = keyof typeof lengthCommand

export function isCopiedType(type: string): type is CopiedType {
  return type in lengthCommand
}

export interface ChunkCopy {
  readonly source: RespConnection
  readonly target: RespConnection
  readonly key: Buffer
  readonly staging: Buffer
  readonly type: CopiedType
}

/** Elements a command: some milliseconds of a server's time at most. */
export const chunkElements = 500
const chunkBytes = 256 * 1024

export async function copyChunks(copy: ChunkCopy): Promise<void> {
  switch (copy.type) {
    case 'string':
      return copyString(copy)
    case 'list':
      return copyList(copy)
    case 'hash':
      return copyScanned(copy, 'HSCAN', (flat) => ['HSET', copy.staging, ...flat])
    case 'set':
      return copyScanned(copy, 'SSCAN', (flat) => ['SADD', copy.staging, ...flat])
    case 'zset':
      return copyScanned(copy, 'ZSCAN', (flat) => ['ZADD', copy.staging, ...scoresFirst(flat)])
    case 'stream':
      return copyStream(copy)
    default:
      return copy.type satisfies never
  }
}

async function copyString({ source, target, key, staging }: ChunkCopy): Promise<void> {
  const length = Number(await source.call('STRLEN', key))
  for (let at = 0; at < length; at += chunkBytes) {
    const chunk = await source.call('GETRANGE', key, at, at + chunkBytes - 1)
    await target.call('APPEND', staging, bytes(chunk))
  }
}

async function copyList({ source, target, key, staging }: ChunkCopy): Promise<void> {
  const length = Number(await source.call('LLEN', key))
  for (let at = 0; at < length; at += chunkElements) {
    const chunk = items(await source.call('LRANGE', key, at, at + chunkElements - 1))
    if (chunk.length > 0) await target.call('RPUSH', staging, ...chunk.map(bytes))
  }
}

async function copyScanned(
  { source, target, key }: ChunkCopy,
  scan: 'HSCAN' | 'SSCAN' | 'ZSCAN',
  write: (flat: Buffer[]) => [string, ...Buffer[]],
): Promise<void> {
  let cursor = '0'
  do {
    const [next, flat] = items(await source.call(scan, key, cursor, 'COUNT', chunkElements))
    cursor = String(next)
    const elements = items(flat ?? null).map(bytes)
    if (elements.length > 0) await target.call(...write(elements))
  } while (cursor !== '0')
}

function scoresFirst(flat: readonly Buffer[]): Buffer[] {
  const swapped: Buffer[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) swapped.push(flat[i + 1]!, flat[i]!)
  return swapped
}

/** Entries with their ids, then the last id and the counters, which outlive deleted entries. */
async function copyStream({ source, target, key, staging }: ChunkCopy): Promise<void> {
  const info = await readStreamInfo(source, key)
  if (Number(info.get('groups')) > 0) {
    throw stopped(
      `stream ${printable(key, 80)} has consumer groups, which can't go by chunks`,
      'Raise --big-key above its size to move it in one piece; the server stalls while it is copied.',
    )
  }
  for (let from = '-'; ; ) {
    const entries = items(await source.call('XRANGE', key, from, '+', 'COUNT', chunkElements)).map(items)
    if (entries.length === 0) break
    const commands: Command[] = entries.map(([id, values]) => [
      'XADD',
      staging,
      bytes(id ?? null),
      ...items(values ?? null).map(bytes),
    ])
    for (const reply of await target.send(commands)) {
      if (reply instanceof ReplyError) throw replyFailure(target.access, 'XADD', reply)
    }
    from = `(${String(entries.at(-1)?.[0])}`
  }
  const last = String(info.get('last-generated-id'))
  const added = info.get('entries-added')
  const deleted = info.get('max-deleted-entry-id')
  const counters = added === undefined ? [] : ['ENTRIESADDED', String(added), 'MAXDELETEDID', String(deleted)]
  await target.call('XSETID', staging, last, ...counters)
}

/** XINFO STREAM as a map. */
export async function readStreamInfo(connection: RespConnection, key: Buffer): Promise<Map<string, Reply>> {
  return fields(await connection.call('XINFO', 'STREAM', key))
}

function fields(reply: Reply): Map<string, Reply> {
  const flat = items(reply)
  const map = new Map<string, Reply>()
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(String(flat[i]), flat[i + 1]!)
  return map
}

function items(reply: Reply): Reply[] {
  return Array.isArray(reply) ? reply : []
}

function bytes(reply: Reply): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.from(String(reply))
}
