/** A server ends a connection that sends it more than `proto-max-bulk-len` in one piece, often before it says why. */
import { stopped } from '../errors.js'
import { printable } from '../printable.js'
import { ReplyError } from './resp.js'
import type { RespConnection } from './resp-connection.js'
import { nodeName } from './socket.js'

/** The smallest limit that a server can be given. */
const smallestLimit = 2 ** 20

/** Throws `stopped` for a dump that the target would not take. Asks it only about dumps that may be too long. */
export async function requireTaken(
  target: RespConnection,
  copies: readonly { readonly key: Buffer; readonly payload: Buffer }[],
): Promise<void> {
  const long = copies.filter(({ payload }) => payload.length >= smallestLimit)
  if (long.length === 0) return
  const [reply] = await target.send([['CONFIG', 'GET', 'proto-max-bulk-len']])
  // where the user may not ask, the server itself will tell
  if (reply instanceof ReplyError || !Array.isArray(reply) || reply.length < 2) return
  const limit = Number(String(reply[1]))
  const tooLong = long.find(({ payload }) => payload.length >= limit)
  if (!tooLong) return
  throw stopped(
    `node ${nodeName(target.access.node)}: RESTORE of ${printable(tooLong.key, 80)}: its dump of ${tooLong.payload.length} B is longer than the node takes (proto-max-bulk-len ${limit})`,
    'The source keeps the key. Raise the limit there (CONFIG SET proto-max-bulk-len), then `cachectl ring resume`.',
  )
}
