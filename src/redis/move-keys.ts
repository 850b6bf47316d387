/**
 * The fenced copy: a batch of keys from source to target, in four round trips and one write each.
 *
 *   target  WATCH k…                            answered before the source is read
 *   source  WATCH k…, DUMP and PEXPIRETIME each
 *   target  MULTI, RESTORE each (never REPLACE), EXEC
 *   source  MULTI, UNLINK k…, EXEC
 *
 * Invariant: a key leaves the source only when the target holds the value that the source still has. Whatever touches
 * a key at the target after the first step aborts the third; whatever touches it at the source aborts the fourth, even
 * when a command arrives minutes late. A crash leaves a key at the source, at both with one value, or at the target.
 */
import { stopped } from '../errors.js'
import type { MoveOutcome } from '../operations/ports.js'
import { printable } from '../printable.js'
import { requireTaken } from './bulk-limit.js'
import { isCopiedType } from './copy-chunks.js'
import { moveBigKey, stagingPrefix } from './move-big-key.js'
import { watchBothUnder } from './operator-fence.js'
import { type Pair, transact } from './pair.js'
import type { Copy } from './read-copies.js'
import { awaitReplicas } from './replicas.js'
import { type Command, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'
import { sameElements, sameValue } from './same-value.js'
import { nodeName } from './socket.js'

/** When a key may leave its source. */
export interface RemoveOptions {
  /** Under this token only; absent: nobody else is moving keys. */
  readonly token?: number
  /** So many replicas of the target must have it; default 0. */
  readonly replicas?: number
}

export interface MoveOptions extends RemoveOptions {
  readonly bigKeyBytes: number
}

const maxBatchBytes = 8 * 2 ** 20
const maxRetries = 3

/** Errors: lost connections as `unreachable` (start again), servers that refuse a key as `stopped`. */
export async function moveBatch(
  pair: Pair,
  keys: readonly Buffer[],
  options: MoveOptions,
): Promise<MoveOutcome> {
  const { bigKeyBytes, ...rest } = options
  const total = { movedCount: 0, movedBytes: 0, conflicts: [] as Buffer[], big: [] }
  const add = (outcome: MoveOutcome) => {
    total.movedCount += outcome.movedCount
    total.movedBytes += outcome.movedBytes
    total.conflicts.push(...outcome.conflicts)
  }
  const sizes = await keySizes(pair.source, keys)
  let batch: Buffer[] = []
  let batchBytes = 0
  for (const [index, key] of keys.entries()) {
    const bytes = sizes[index]!
    if (bytes > bigKeyBytes) {
      add(await moveBigKey(pair, { key, bytes, ...rest }))
      continue
    }
    if (batch.length > 0 && batchBytes + bytes > maxBatchBytes) {
      add(await moveSmallKeys(pair, batch, rest))
      batch = []
      batchBytes = 0
    }
    batch.push(key)
    batchBytes += bytes
  }
  if (batch.length > 0) add(await moveSmallKeys(pair, batch, rest))
  return total
}

/** Bytes of memory each key takes; 0 for one that is gone, or where the user may not ask. */
export async function keySizes(source: RespConnection, keys: readonly Buffer[]): Promise<number[]> {
  const replies = await source.send(keys.map((key) => ['MEMORY', 'USAGE', key]))
  return replies.map((reply) => (typeof reply === 'number' ? reply : 0))
}

async function moveSmallKeys(
  pair: Pair,
  keys: readonly Buffer[],
  options: RemoveOptions,
): Promise<MoveOutcome> {
  for (let attempt = 0; attempt < maxRetries; attempt++) {
    const outcome = await tryMove(pair, keys, options)
    if (outcome) return outcome
  }
  if (keys.length === 1) {
    throw stopped(
      `key ${printable(keys[0]!, 80)} on ${nodeName(pair.source.access.node)}: written again and again while it was moved`,
      'Stop the clients that write it, and run the same command again.',
    )
  }
  // somebody writes one of them: alone, each of the others goes through
  const outcomes: MoveOutcome[] = []
  for (const key of keys) outcomes.push(await moveSmallKeys(pair, [key], options))
  return {
    movedCount: outcomes.reduce((sum, each) => sum + each.movedCount, 0),
    movedBytes: outcomes.reduce((sum, each) => sum + each.movedBytes, 0),
    conflicts: outcomes.flatMap((each) => each.conflicts),
    big: [],
  }
}

/** undefined: a key was touched in between, nothing is lost, try again. */
async function tryMove(
  pair: Pair,
  keys: readonly Buffer[],
  { token, replicas = 0 }: RemoveOptions,
): Promise<MoveOutcome | undefined> {
  await watchBothUnder(pair, token)
  await pair.target.call('WATCH', ...keys)
  const copies = await readCopies(pair.source, keys)
  if (copies.length === 0) {
    await Promise.all([pair.source.call('UNWATCH'), pair.target.call('UNWATCH')])
    return { movedCount: 0, movedBytes: 0, conflicts: [], big: [] }
  }
  await requireTaken(pair.target, copies)
  const results = await transact(pair.target, copies.map(restoreCommand), 'RESTORE')
  if (!results) {
    await pair.source.call('UNWATCH')
    return undefined
  }
  const restored: Copy[] = []
  const present: Copy[] = []
  copies.forEach((copy, index) => {
    const result = results[index]
    if (result instanceof ReplyError && result.code === 'BUSYKEY') present.push(copy)
    else if (result instanceof ReplyError) throw refusedKey(pair, copy.key, result)
    else restored.push(copy)
  })
  const equal: Copy[] = []
  const conflicts: Buffer[] = []
  for (const copy of present) {
    if (await sameValue(pair, copy)) equal.push(copy)
    else conflicts.push(copy.key)
  }
  const done = [...restored, ...equal]
  if (done.length === 0) {
    await pair.source.call('UNWATCH')
    return { movedCount: 0, movedBytes: 0, conflicts, big: [] }
  }
  await awaitReplicas(pair.target, replicas)
  const removed = await transact(pair.source, [['UNLINK', ...done.map((copy) => copy.key)]], 'UNLINK')
  if (!removed) {
    await takeBack(pair.target, restored)
    return undefined
  }
  return {
    movedCount: done.length,
    movedBytes: done.reduce((sum, copy) => sum + copy.payload.length, 0),
    conflicts,
    big: [],
  }
}

/** What PEXPIRETIME says of a key that is gone: it was there for DUMP, right before. */
const expiredMeanwhile = -2

async function readCopies(source: RespConnection, keys: readonly Buffer[]): Promise<Copy[]> {
  const commands: Command[] = [['WATCH', ...keys]]
  for (const key of keys) commands.push(['DUMP', key], ['PEXPIRETIME', key])
  const [watched, ...replies] = await source.send(commands)
  if (watched instanceof ReplyError) throw replyFailure(source.access, 'WATCH', watched)
  const copies: Copy[] = []
  keys.forEach((key, index) => {
    const payload = replies[2 * index]
    const expiresAtMs = replies[2 * index + 1]
    if (payload instanceof ReplyError) throw replyFailure(source.access, 'DUMP', payload)
    if (expiresAtMs instanceof ReplyError) throw replyFailure(source.access, 'PEXPIRETIME', expiresAtMs)
    if (Buffer.isBuffer(payload) && expiresAtMs !== expiredMeanwhile)
      copies.push({ key, payload, expiresAtMs: Math.max(0, Number(expiresAtMs)) })
  })
  return copies
}

function restoreCommand({ key, payload, expiresAtMs }: Copy): Command {
  return ['RESTORE', key, expiresAtMs, payload, 'ABSTTL']
}

/**
 * The source changed after it was read: our copies at the target are old; they go, unless somebody has touched them.
 * What we put there is known by its dump only, and a table's dump is each server's own: so it is unpacked beside them.
 */
async function takeBack(target: RespConnection, copies: readonly Copy[]): Promise<void> {
  for (const { key, payload } of copies) {
    const beside = Buffer.concat([Buffer.from(`${stagingPrefix}back:`), key])
    await target.call('WATCH', key)
    await target.call('RESTORE', beside, 0, payload, 'REPLACE')
    const isOurs = await sameCopy(target, key, beside)
    await target.call('UNLINK', beside)
    if (isOurs) await transact(target, [['UNLINK', key]], 'UNLINK')
    else await target.call('UNWATCH')
  }
}

async function sameCopy(target: RespConnection, key: Buffer, beside: Buffer): Promise<boolean> {
  const [type, other, dump, otherDump] = await target.send([
    ['TYPE', key],
    ['TYPE', beside],
    ['DUMP', key],
    ['DUMP', beside],
  ])
  if (type !== other) return false
  if (Buffer.isBuffer(dump) && Buffer.isBuffer(otherDump) && dump.equals(otherDump)) return true
  return typeof type === 'string' && isCopiedType(type) && sameElements(target, { type, a: key, b: beside })
}

function refusedKey(pair: Pair, key: Buffer, reply: ReplyError): Error {
  const { message } = replyFailure(pair.target.access, `RESTORE of ${printable(key, 80)}`, reply)
  return stopped(
    message,
    'The source keeps the key. Mend what the server names, and run the same command again.',
  )
}
