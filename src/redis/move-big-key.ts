/**
 * A big key, by chunks: DUMP of 160 MB stalls its server for over a second, chunks stall nobody.
 * The copy grows under a name of ours at the target, and takes the key's name in one step when it is whole.
 */
import { stopped } from '../errors.js'
import type { MoveOutcome } from '../operations/ports.js'
import { printable } from '../printable.js'
import { type CopiedType, copyChunks, isCopiedType, lengthCommand } from './copy-chunks.js'
import { type Pair, transact } from './pair.js'
import type { RespConnection } from './resp-connection.js'
import { sameElements } from './same-value.js'
import { nodeName } from './socket.js'

/** Half-made copies of big keys at the target. */
export const stagingPrefix = Buffer.from('__cachectl:mv:')
const maxRetries = 3

/** Types without chunks (module types, streams with consumer groups) are `stopped` with the reason. */
export async function moveBigKey(pair: Pair, key: Buffer, bytes: number): Promise<MoveOutcome> {
  const staging = Buffer.concat([stagingPrefix, key])
  for (let attempt = 0; attempt < maxRetries; attempt++) {
    const result = await tryMoveBigKey(pair, key, staging)
    if (result === 'moved') return { movedCount: 1, movedBytes: bytes, conflicts: [] }
    if (result === 'gone') return { movedCount: 0, movedBytes: 0, conflicts: [] }
    if (result === 'conflict') return { movedCount: 0, movedBytes: 0, conflicts: [key] }
  }
  throw stopped(
    `key ${printable(key, 80)} on ${nodeName(pair.source.access.node)}: written again and again while it was moved`,
    'Stop the clients that write it, and run the same command again.',
  )
}

async function tryMoveBigKey(
  { source, target }: Pair,
  key: Buffer,
  staging: Buffer,
): Promise<'moved' | 'gone' | 'conflict' | 'touched'> {
  await source.call('WATCH', key)
  const type = await source.call('TYPE', key)
  if (type === 'none') {
    await source.call('UNWATCH')
    return 'gone'
  }
  if (typeof type !== 'string' || !isCopiedType(type)) throw uncopied(source, key, String(type))
  // what an earlier, interrupted run left half-made
  await target.call('UNLINK', staging)
  await copyChunks({ source, target, key, staging, type })
  if (!(await isWhole({ source, target, key, staging, type }))) return 'touched'
  const expiresAtMs = Number(await source.call('PEXPIRETIME', key))
  if (expiresAtMs > 0) await target.call('PEXPIREAT', staging, expiresAtMs)
  if ((await target.call('RENAMENX', staging, key)) !== 1)
    return settlePresent({ source, target, key, staging, type, expiresAtMs })
  if (await transact(source, [['UNLINK', key]], 'UNLINK')) return 'moved'
  // the source changed after it was read: what stands at the target is old
  await transact(
    target,
    [
      ['RENAME', key, staging],
      ['UNLINK', staging],
    ],
    'RENAME',
  )
  return 'touched'
}

/** The target had the key already: an equal one is the copy of a run that was cut off before it removed the source. */
async function settlePresent(
  run: ChunkRun & { expiresAtMs: number },
): Promise<'moved' | 'conflict' | 'touched'> {
  const { source, target, key, staging } = run
  const equal = await sameElements(target, { type: run.type, a: key, b: staging })
  const sameExpiry = Math.max(-1, run.expiresAtMs) === Number(await target.call('PEXPIRETIME', key))
  await target.call('UNLINK', staging)
  if (!equal || !sameExpiry) {
    await source.call('UNWATCH')
    return 'conflict'
  }
  return (await transact(source, [['UNLINK', key]], 'UNLINK')) ? 'moved' : 'touched'
}

type ChunkRun = {
  source: RespConnection
  target: RespConnection
  key: Buffer
  staging: Buffer
  type: CopiedType
}

async function isWhole({ source, target, key, staging, type }: ChunkRun): Promise<boolean> {
  const [was, is] = await Promise.all([
    source.call(lengthCommand[type], key),
    target.call(lengthCommand[type], staging),
  ])
  return was === is
}

/** For a type without chunks. */
export function uncopied(source: RespConnection, key: Buffer, type: string): Error {
  return stopped(
    `key ${printable(key, 80)} on ${nodeName(source.access.node)}: a big key of type ${printable(type)} can't go by chunks`,
    'Raise --big-key above its size to move it in one piece; the server stalls while it is copied.',
  )
}
