/**
 * A big key, by chunks: DUMP of 160 MB stalls its server for over a second, chunks stall nobody.
 * The copy grows under a name of ours at the target, and takes the key's name in one step when it is whole.
 */
import { CachectlError, ExitCode, stopped } from '../errors.js'
import type { MoveOutcome } from '../operations/ports.js'
import { printable } from '../printable.js'
import { type CopiedType, copyChunks, isCopiedType, lengthCommand } from './copy-chunks.js'
import { watchBothUnder } from './operator-fence.js'
import { type Pair, transact } from './pair.js'
import { awaitReplicas } from './replicas.js'
import { ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'
import { sameElements } from './same-value.js'
import { nodeName } from './socket.js'

/** Half-made copies at the target. */
export const stagingPrefix = '__cachectl:mv:'
const maxRetries = 3
/** Copies this process is building, by target and key: SCAN may name a key twice, and one copy has one builder. */
const underWay = new Set<string>()

/** A whole copy under its own name at the target. */
export interface BigCopy {
  readonly staging: Buffer
  readonly type: CopiedType
  /** Milliseconds since the epoch; -1: never. */
  readonly expiresAtMs: number
}

/** Runs `body`, unless another batch of ours is at this key already; then undefined. */
export async function exclusively<T>(
  pair: Pair,
  key: Buffer,
  body: () => Promise<T>,
): Promise<T | undefined> {
  const name = `${pair.target.access.node.url}\n${key.toString('latin1')}`
  if (underWay.has(name)) return undefined
  underWay.add(name)
  try {
    return await body()
  } finally {
    underWay.delete(name)
  }
}

/**
 * undefined: the key is gone, or changed while it was copied. The caller has the key exclusively until it is named.
 * The target may be left with a WATCH. Types without chunks (module types, streams with consumer groups) are `stopped`
 * with the reason.
 */
export async function buildCopy(
  { source, target }: Pair,
  { key, token }: { key: Buffer; token?: number | undefined },
): Promise<BigCopy | undefined> {
  const type = await source.call('TYPE', key)
  if (type === 'none') return undefined
  if (typeof type !== 'string' || !isCopiedType(type)) throw uncopied(source, key, String(type))
  // an operator who was frozen in mid-copy and wakes up must not write into its successor's
  const staging = Buffer.concat([Buffer.from(`${stagingPrefix}${token ?? 0}:`), key])
  // what an earlier, interrupted attempt left half-made
  await target.call('UNLINK', staging)
  await copyChunks({ source, target, key, staging, type }).catch((error: unknown) => {
    throw naming(key, error)
  })
  const [expiry, length] = await source.send([
    ['PEXPIRETIME', key],
    [lengthCommand[type], key],
  ])
  const expiresAtMs = Number(expiry)
  if (expiresAtMs > 0) await target.call('PEXPIREAT', staging, expiresAtMs)
  // measured under WATCH: a piece of an earlier attempt may still arrive in this copy, and must not get into the key
  await target.call('WATCH', staging)
  if (expiresAtMs === -2 || length !== (await target.call(lengthCommand[type], staging))) {
    await target.call('UNLINK', staging)
    return undefined
  }
  return { staging, type, expiresAtMs }
}

/** What a server says against a chunk does not tell whose it is. */
function naming(key: Buffer, error: unknown): unknown {
  if (!(error instanceof CachectlError) || error.exitCode !== ExitCode.stopped) return error
  const name = printable(key, 80)
  if (error.message.includes(name)) return error
  return stopped(
    `key ${name}, by chunks: ${error.message}`,
    `The source keeps the key. ${error.remedy ?? 'Mend what the server names, then `cachectl ring resume`.'}`,
    error,
  )
}

/**
 * Gives the copy the key's name. `present`: the target has the key; `vanished`: the copy has expired or was swept;
 * `touched`: somebody wrote into it, or whatever else the connection watches.
 */
export async function takeName(
  target: RespConnection,
  { staging }: BigCopy,
  key: Buffer,
): Promise<'taken' | 'present' | 'vanished' | 'touched'> {
  const results = await transact(target, [['RENAMENX', staging, key]], 'RENAMENX')
  if (!results) return 'touched'
  const [result] = results
  if (result === 1) return 'taken'
  if (result === 0) return 'present'
  if (result instanceof ReplyError && /no such key/i.test(result.message)) return 'vanished'
  if (result instanceof ReplyError) throw replyFailure(target.access, 'RENAMENX', result)
  throw new Error('RENAMENX answered something else')
}

/** Removes what killed runs have left half-made. Nobody may be moving big keys to this node. */
export async function sweepStaging(connection: RespConnection): Promise<void> {
  let cursor = '0'
  do {
    const reply = await connection.call('SCAN', cursor, 'MATCH', `${stagingPrefix}*`, 'COUNT', 1_000)
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error('SCAN answered something else')
    cursor = String(reply[0])
    const left = reply[1].filter((key) => Buffer.isBuffer(key))
    if (left.length > 0) await connection.call('UNLINK', ...left)
  } while (cursor !== '0')
}

interface BigMove {
  readonly key: Buffer
  readonly bytes: number
  readonly token?: number
  readonly replicas?: number
}

/** For a ring at rest: whatever stands at the target is compared, and both copies are kept when they differ. */
export async function moveBigKey(pair: Pair, big: BigMove): Promise<MoveOutcome> {
  return (await exclusively(pair, big.key, () => moveAlone(pair, big))) ?? nothing
}

const nothing: MoveOutcome = { movedCount: 0, movedBytes: 0, conflicts: [], big: [] }

async function moveAlone(pair: Pair, { key, bytes, token, replicas = 0 }: BigMove): Promise<MoveOutcome> {
  for (let attempt = 0; attempt < maxRetries; attempt++) {
    await watchBothUnder(pair, token)
    await pair.source.call('WATCH', key)
    const copy = await buildCopy(pair, { key, token })
    const result = copy ? await settle(pair, { key, copy, replicas }) : 'touched'
    if (result === 'moved') return { ...nothing, movedCount: 1, movedBytes: bytes }
    if (result === 'conflict') return { ...nothing, conflicts: [key] }
    await pair.source.call('UNWATCH')
    await pair.target.call('UNWATCH')
    if ((await pair.source.call('EXISTS', key)) === 0) return nothing
  }
  throw stopped(
    `key ${printable(key, 80)} on ${nodeName(pair.source.access.node)}: written again and again while it was moved`,
    'Stop the clients that write it, and run the same command again.',
  )
}

async function settle(
  { source, target }: Pair,
  { key, copy, replicas }: { key: Buffer; copy: BigCopy; replicas: number },
): Promise<'moved' | 'conflict' | 'touched'> {
  const named = await takeName(target, copy, key)
  if (named === 'vanished' || named === 'touched') return 'touched'
  if (named === 'present') {
    // an equal one is the copy of a run that was cut off before it removed the source
    const isEqual = await sameElements(target, { type: copy.type, a: key, b: copy.staging })
    const expiry = Number(await target.call('PEXPIRETIME', key))
    await target.call('UNLINK', copy.staging)
    if (!isEqual || expiry !== Math.max(-1, copy.expiresAtMs)) {
      await source.call('UNWATCH')
      return 'conflict'
    }
  }
  await awaitReplicas(target, replicas)
  if (await transact(source, [['UNLINK', key]], 'UNLINK')) return 'moved'
  // the source was written after it was read, and somebody may have written our copy since: both are kept
  return 'conflict'
}

/** For a type without chunks. */
export function uncopied(source: RespConnection, key: Buffer, type: string): Error {
  return stopped(
    `key ${printable(key, 80)} on ${nodeName(source.access.node)}: a big key of type ${printable(type)} can't go by chunks`,
    'Raise --big-key above its size to move it in one piece; the server stalls while it is copied.',
  )
}
