/**
 * MOVE of docs/protocol.md §3, for keys that nobody writes at the source any more: clients and operator use this one.
 *
 *   target  WATCH k…                            answered before the source is read
 *           meanwhile, source: MEMORY USAGE each; big keys are left out
 *   source  DUMP and PEXPIRETIME each
 *   target  MULTI, RESTORE each (never REPLACE), EXEC
 *   source  UNLINK k…
 *
 * A key that the target has already is newer there: the source's copy goes. The operator's steps are fenced by the
 * token of its lease, which every node it touches knows.
 */
import { stopped } from '../errors.js'
import { printable } from '../printable.js'
import { requireTaken } from './bulk-limit.js'
import { buildCopy, exclusively, takeName } from './move-big-key.js'
import { requireToken, unlinkUnder, watchFence } from './operator-fence.js'
import { type Pair, transact } from './pair.js'
import { readCopies } from './read-copies.js'
import { haveReplicas } from './replicas.js'
import { type Command, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

export interface LiveMove {
  /** The operator's lease; absent for a client that moves a key it is about to write. */
  readonly token?: number
  /** Keys that take more memory are left out. */
  readonly bigKeyBytes: number
  /** No key at the source expires: what nobody changes need not be asked for each key. */
  readonly neverExpires?: boolean
  /** So many replicas of the target must have a key before it leaves the source; default 0. */
  readonly replicas?: number
}

export interface LiveMoveOutcome {
  /** Keys that have left the source. */
  readonly movedCount: number
  readonly movedBytes: number
  /** Left where they are, because of their size. */
  readonly big: readonly Buffer[]
  /** Too few replicas of the target confirmed: keys stand at both, the target's is the newer one. */
  readonly unconfirmed: boolean
}

export const defaultBigKeyBytes = 2 ** 20
const maxAttempts = 4
const maxBatchBytes = 8 * 2 ** 20

/** Every step may be repeated; a lost connection leaves a key at the source, or at both with the target's the newer. */
export async function moveLive(
  pair: Pair,
  keys: readonly Buffer[],
  move: LiveMove,
): Promise<LiveMoveOutcome> {
  const total = { movedCount: 0, movedBytes: 0, big: [] as Buffer[], unconfirmed: false }
  let left = keys
  for (let attempt = 1; left.length > 0 && attempt <= maxAttempts; attempt++) {
    const outcome = await tryMove(pair, left, move)
    if (!outcome) continue
    total.movedCount += outcome.movedCount
    total.movedBytes += outcome.movedBytes
    total.big.push(...outcome.big)
    if (outcome.unconfirmed) return { ...total, unconfirmed: true }
    if (outcome.later.length < left.length) attempt = 0
    left = outcome.later
  }
  // somebody is busy with one of them at the target: alone, the others go through; that one waits for the next pass
  if (left.length < 2) return total
  for (const key of left) {
    const outcome = await moveLive(pair, [key], move)
    total.movedCount += outcome.movedCount
    total.movedBytes += outcome.movedBytes
    total.big.push(...outcome.big)
    total.unconfirmed ||= outcome.unconfirmed
  }
  return total
}

/**
 * Whether no key of the node expires. It stays so for keys that move: their writers are gated out of the source.
 * A node that has no keys at all says the same.
 */
export async function neverExpires(source: RespConnection): Promise<boolean> {
  const { db } = source.access.node
  const line = new RegExp(`^db${db}:keys=\\d+,expires=(\\d+)`, 'm').exec(
    String(await source.call('INFO', 'keyspace')),
  )
  return Number(line?.[1] ?? 0) === 0
}

/**
 * A big key, by chunks, by the operator only. The source does not change meanwhile, because its writers are gated out;
 * what the target has already is newer. A key that is still there afterwards is found by the next pass.
 */
export async function moveLiveBig(
  pair: Pair,
  key: Buffer,
  move: Pick<LiveMove, 'token' | 'replicas'>,
): Promise<LiveMoveOutcome> {
  return (await exclusively(pair, key, () => moveBigAlone(pair, key, move))) ?? nothing
}

const nothing: LiveMoveOutcome = { movedCount: 0, movedBytes: 0, big: [], unconfirmed: false }

async function moveBigAlone(
  pair: Pair,
  key: Buffer,
  { token, replicas = 0 }: Pick<LiveMove, 'token' | 'replicas'>,
): Promise<LiveMoveOutcome> {
  const { source, target } = pair
  const movedBytes = Number(await source.call('MEMORY', 'USAGE', key))
  // before the first chunk: one whose lease has passed on must not leave a copy that nobody finishes
  requireToken((await target.send(watchFence(token))).at(-1), token)
  const copy = await buildCopy(pair, { key, token })
  if (!copy) {
    await target.call('UNWATCH')
    return nothing
  }
  const named = await takeName(target, copy, key)
  // touched by another operator's token, which the next look finds, or by a late piece of an earlier attempt
  if (named === 'touched' || named === 'vanished') return nothing
  if (named === 'present') await target.call('UNLINK', copy.staging)
  if (!(await haveReplicas(target, replicas))) return { ...nothing, unconfirmed: true }
  await unlinkUnder(source, [key], token)
  return { ...nothing, movedCount: 1, movedBytes }
}

/** undefined: somebody touched a key at the target in between. */
async function tryMove({ source, target }: Pair, keys: readonly Buffer[], move: LiveMove) {
  const { token, bigKeyBytes, neverExpires = false, replicas = 0 } = move
  const watched = await target.send([['WATCH', ...keys], ...watchFence(token)])
  if (watched[0] instanceof ReplyError) throw replyFailure(target.access, 'WATCH', watched[0])
  requireToken(watched.at(-1), token)
  const limits = { bigKeyBytes, batchBytes: maxBatchBytes, neverExpires }
  const { copies, big, later } = await readCopies(source, keys, limits)
  if (copies.length === 0) {
    await target.call('UNWATCH')
    return { movedCount: 0, movedBytes: 0, big, later, unconfirmed: false }
  }
  await requireTaken(target, copies)
  const restores = copies.map(({ key, payload, expiresAtMs }): Command => {
    return expiresAtMs === 0 ? ['RESTORE', key, 0, payload] : ['RESTORE', key, expiresAtMs, payload, 'ABSTTL']
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
  if (!(await haveReplicas(target, replicas)))
    return { movedCount: 0, movedBytes: 0, big, later, unconfirmed: true }
  const moved = copies.map(({ key }) => key)
  await unlinkUnder(source, moved, token)
  return {
    movedCount: copies.length,
    movedBytes: copies.reduce((sum, { payload }) => sum + payload.length, 0),
    big,
    later,
    unconfirmed: false,
  }
}
