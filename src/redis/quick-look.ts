/**
 * What `getOrLeaseScript` does, for one key of a ring that is not changing, in plain commands of one write (Redis 7, Valkey):
 * a script costs its server ten times as much as the commands in it.
 *
 *   PTTL key                          from here on its node tells us of what becomes of the key
 *   SET key L<token> NX GET PX lease  what stands there, or our lease
 *   GETRANGE key 0 …                  our lease is there, and told of: a key that its reader writes is told of no more
 *
 * (Where the node tells only of what is asked for, each of them asks.) Nothing rests on the three being run together: what comes between them is told, or seen in the third.
 */
import type { L2Found, L2Lease, Vouch } from '../cache/ports.js'
import { foundOf, keyMark } from './cache-replies.js'
import { type Command, type Reply, ReplyError } from './resp.js'

export function quickLook(key: Buffer, { token, leaseMs }: L2Lease): Command[] {
  if (leaseMs === 0) {
    return [
      ['PTTL', key],
      ['GET', key],
    ]
  }
  const lease = leaseText(token)
  return [
    ['PTTL', key],
    ['SET', key, lease, 'NX', 'GET', 'PX', leaseMs],
    ['GETRANGE', key, 0, lease.length],
  ]
}

/** undefined: the script must say. `sinceUs`: before it values are not believed. */
export function quickFound(
  [pttl, there, head]: readonly Reply[],
  { token, leaseMs }: L2Lease,
  { sinceUs, vouch }: { readonly sinceUs: string; readonly vouch: Vouch | undefined },
): L2Found | undefined {
  if (typeof pttl !== 'number' || there instanceof ReplyError || head instanceof ReplyError) return undefined
  if (there === null) {
    if (leaseMs === 0) return { kind: 'absent' }
    const isOurs = Buffer.isBuffer(head) && head.toString('latin1') === leaseText(token)
    return isOurs ? { kind: 'leased', vouch } : undefined
  }
  // it was put there between the first two
  if (!Buffer.isBuffer(there) || pttl === absent) return undefined
  switch (there[0]) {
    case keyMark.value:
      return there.toString('latin1', 1, sinceUs.length + 1) >= sinceUs || Number(sinceUs) === 0
        ? foundOf(there, pttl, vouch)
        : undefined
    case keyMark.pending:
      return foundOf(there, pttl, vouch)
    case keyMark.lease:
      return there.toString('latin1', 1) === token
        ? undefined
        : { kind: 'busy', leftMs: Math.max(0, pttl), isTold: vouch !== undefined }
    case keyMark.writer:
      return { kind: 'marked' }
    default:
      return undefined
  }
}

/** What PTTL says of a key that is not there. */
const absent = -2

function leaseText(token: string): string {
  return String.fromCharCode(keyMark.lease) + token
}
