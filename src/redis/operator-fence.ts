/**
 * The fence of a node: the token of the latest operator's lease. Whatever an operator does to keys is refused under any
 * other token, so that one who was frozen and wakes up can do no harm.
 */
import { refused } from '../errors.js'
import type { Pair } from './pair.js'
import { type Command, type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

export const fenceKey = '__cachectl:operator'
export const fencedCode = 'FENCED'
export const lostCode = 'TOKENLOST'

/** KEYS fence, keys; ARGV token. */
export const unlinkFencedScript = `local held = redis.call('GET', KEYS[1])
if not held then return redis.error_reply('${lostCode} no token') end
if held ~= ARGV[1] then return redis.error_reply('${fencedCode} another operator has taken over') end
local keys = {}
for i = 2, #KEYS do keys[i - 1] = KEYS[i] end
return redis.call('UNLINK', unpack(keys))`

/** To be sent with a WATCH of the keys; the last reply goes to `requireToken`. From then on EXEC fails under another token. */
export function watchFence(token: number | undefined): Command[] {
  if (token === undefined) return []
  return [
    ['WATCH', fenceKey],
    ['GET', fenceKey],
  ]
}

export function requireToken(reply: Reply | undefined, token: number | undefined): void {
  if (token === undefined || String(reply) === String(token)) return
  throw reply === null ? tokenLost() : fenced()
}

/** From here on EXEC fails at both ends when another operator takes over. Throws when one has. */
export async function watchBothUnder({ source, target }: Pair, token: number | undefined): Promise<void> {
  if (token === undefined) return
  for (const replies of await Promise.all([source.send(watchFence(token)), target.send(watchFence(token))]))
    requireToken(replies.at(-1), token)
}

/** Removes keys, by an operator only under its token; a client has none. */
export async function unlinkUnder(
  connection: RespConnection,
  keys: readonly Buffer[],
  token: number | undefined,
): Promise<void> {
  const command: Command =
    token === undefined
      ? ['UNLINK', ...keys]
      : ['EVAL', unlinkFencedScript, keys.length + 1, fenceKey, ...keys, token]
  const [reply] = await connection.send([command])
  if (reply instanceof ReplyError && reply.code === fencedCode) throw fenced()
  if (reply instanceof ReplyError && reply.code === lostCode) throw tokenLost()
  if (reply instanceof ReplyError) throw replyFailure(connection.access, 'UNLINK', reply)
}

export function fenced(): Error {
  return refused(
    'another operator has taken over this change of the ring (FENCED)',
    'Nothing was lost. `cachectl ring status` shows who it is.',
  )
}

/** Not put back by us: an operator that was frozen, and whose lease has gone, could do the same. */
function tokenLost(): Error {
  return refused(
    'a node has forgotten this change of the ring: it was flushed, or evicts keys, and ours were among them',
    'What it had may be lost; everything else is where it was. `cachectl ring resume` goes on.',
  )
}
