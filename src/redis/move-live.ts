/**
 * MOVE of docs/protocol.md §3, for keys that nobody writes at the source any more: clients and operator use this one.
 *
 *   target  WATCH k…                            answered before the source is read
 *   source  DUMP and PEXPIRETIME each
 *   target  MULTI, RESTORE each (never REPLACE), EXEC
 *   source  UNLINK k…
 *
 * A key that the target has already is newer there: the source's copy goes. The operator's steps are fenced by the
 * token of its lease, which every node it touches knows.
 */
import { refused, stopped } from '../errors.js'
import { printable } from '../printable.js'
import { copyChunks, isCopiedType } from './copy-chunks.js'
import { stagingPrefix, uncopied } from './move-big-key.js'
import { keySizes } from './move-keys.js'
import { type Pair, transact } from './pair.js'
import { type Command, type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

export const fenceKey = '__cachectl:operator'
const fencedCode = 'FENCED'

/** KEYS fence, keys; ARGV token. */
const unlinkFenced = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('${fencedCode} another operator has taken over') end
local keys = {}
for i = 2, #KEYS do keys[i - 1] = KEYS[i] end
return redis.call('UNLINK', unpack(keys))`

export interface LiveMove {
  /** The operator's lease; absent for a client that moves a key it is about to write. */
  readonly token?: number
}

export interface LiveMoveOutcome {
  /** Keys that have left the source. */
  readonly movedCount: number
  readonly movedBytes: number
}

const maxAttempts = 4
const maxBatchBytes = 8 * 2 ** 20

/** Keys of any size: big ones by chunks, the others in batches of bounded bytes. */
export async function moveLiveBatch(
  pair: Pair,
  keys: readonly Buffer[],
  move: LiveMove & { readonly bigKeyBytes: number },
): Promise<LiveMoveOutcome> {
  const sizes = await keySizes(pair.source, keys)
  const outcomes: LiveMoveOutcome[] = []
  let batch: Buffer[] = []
  let batchBytes = 0
  for (const [index, key] of keys.entries()) {
    const bytes = sizes[index]!
    if (bytes > move.bigKeyBytes) {
      outcomes.push(await moveLiveBig(pair, key, { ...move, bytes }))
      continue
    }
    if (batch.length > 0 && batchBytes + bytes > maxBatchBytes) {
      outcomes.push(await moveLive(pair, batch, move))
      batch = []
      batchBytes = 0
    }
    batch.push(key)
    batchBytes += bytes
  }
  if (batch.length > 0) outcomes.push(await moveLive(pair, batch, move))
  return {
    movedCount: outcomes.reduce((sum, each) => sum + each.movedCount, 0),
    movedBytes: outcomes.reduce((sum, each) => sum + each.movedBytes, 0),
  }
}

/** The copy grows under a name of ours; the source does not change meanwhile, because its writers are gated out. */
async function moveLiveBig(
  { source, target }: Pair,
  key: Buffer,
  { token, bytes }: LiveMove & { readonly bytes: number },
): Promise<LiveMoveOutcome> {
  const staging = Buffer.concat([stagingPrefix, key])
  const type = await source.call('TYPE', key)
  if (type === 'none') return { movedCount: 0, movedBytes: 0 }
  if (typeof type !== 'string' || !isCopiedType(type)) throw uncopied(source, key, String(type))
  await target.call('UNLINK', staging)
  await copyChunks({ source, target, key, staging, type })
  const expiresAtMs = Number(await source.call('PEXPIRETIME', key))
  if (expiresAtMs > 0) await target.call('PEXPIREAT', staging, expiresAtMs)
  if (token !== undefined) {
    const [, held] = await target.send([
      ['WATCH', fenceKey],
      ['GET', fenceKey],
    ])
    requireToken(held, token)
  }
  const results = await transact(target, [['RENAMENX', staging, key]], 'RENAMENX')
  if (!results) throw fenced()
  // the target had the key: it is newer there
  if (results[0] !== 1) await target.call('UNLINK', staging)
  await removeAtSource(source, [key], token)
  return { movedCount: 1, movedBytes: bytes }
}

/** Every step may be repeated; a lost connection leaves a key at the source, or at both with the target's the newer. */
export async function moveLive(
  pair: Pair,
  keys: readonly Buffer[],
  move: LiveMove = {},
): Promise<LiveMoveOutcome> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const outcome = await tryMove(pair, keys, move)
    if (outcome) return outcome
  }
  if (keys.length === 1) return { movedCount: 0, movedBytes: 0 } // busy at the target: the next pass finds it again
  let movedCount = 0
  let movedBytes = 0
  for (const key of keys) {
    const outcome = await moveLive(pair, [key], move)
    movedCount += outcome.movedCount
    movedBytes += outcome.movedBytes
  }
  return { movedCount, movedBytes }
}

/** undefined: somebody touched a key at the target in between. */
async function tryMove({ source, target }: Pair, keys: readonly Buffer[], { token }: LiveMove) {
  const fence: Command[] =
    token === undefined
      ? []
      : [
          ['WATCH', fenceKey],
          ['GET', fenceKey],
        ]
  const watched = await target.send([['WATCH', ...keys], ...fence])
  if (watched[0] instanceof ReplyError) throw replyFailure(target.access, 'WATCH', watched[0])
  if (token !== undefined) requireToken(watched.at(-1), token)
  const copies = await readCopies(source, keys)
  if (copies.length === 0) {
    await target.call('UNWATCH')
    return { movedCount: 0, movedBytes: 0 }
  }
  const restores = copies.map(({ key, payload, expiresAtMs }): Command => {
    return ['RESTORE', key, expiresAtMs, payload, 'ABSTTL']
  })
  const results = await transact(target, restores, 'RESTORE')
  if (!results) return undefined
  results.forEach((result, index) => {
    if (!(result instanceof ReplyError) || result.code === 'BUSYKEY') return
    const { message } = replyFailure(target.access, `RESTORE of ${printable(copies[index]!.key, 80)}`, result)
    throw stopped(
      message,
      'The source keeps the key. Mend what the server names, then `cachectl ring resume`.',
    )
  })
  await removeAtSource(
    source,
    copies.map(({ key }) => key),
    token,
  )
  return {
    movedCount: copies.length,
    movedBytes: copies.reduce((sum, { payload }) => sum + payload.length, 0),
  }
}

async function readCopies(source: RespConnection, keys: readonly Buffer[]) {
  const replies = await source.send(
    keys.flatMap((key): Command[] => [
      ['DUMP', key],
      ['PEXPIRETIME', key],
    ]),
  )
  for (const reply of replies)
    if (reply instanceof ReplyError) throw replyFailure(source.access, 'DUMP', reply)
  return keys.flatMap((key, index) => {
    const payload = replies[2 * index]
    const expiresAtMs = Math.max(0, Number(replies[2 * index + 1]))
    return Buffer.isBuffer(payload) ? [{ key, payload, expiresAtMs }] : []
  })
}

async function removeAtSource(
  source: RespConnection,
  keys: readonly Buffer[],
  token: number | undefined,
): Promise<void> {
  const command: Command =
    token === undefined
      ? ['UNLINK', ...keys]
      : ['EVAL', unlinkFenced, keys.length + 1, fenceKey, ...keys, token]
  const [reply] = await source.send([command])
  if (reply instanceof ReplyError && reply.code === fencedCode) throw fenced()
  if (reply instanceof ReplyError) throw replyFailure(source.access, 'UNLINK', reply)
}

function requireToken(reply: Reply | undefined, token: number): void {
  if (String(reply) !== String(token)) throw fenced()
}

function fenced(): Error {
  return refused(
    'another operator has taken over this change of the ring (FENCED)',
    'Nothing was lost. `cachectl ring status` shows who it is.',
  )
}
