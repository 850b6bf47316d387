/**
 * What MOVE reads at the source: sizes, dumps and expiry times of a batch by one script. As commands of their own they
 * cost us twice the time; and in a script time stands still, so that no key expires between its dump and its expiry.
 */
import { type Command, type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

export interface Copy {
  readonly key: Buffer
  readonly payload: Buffer
  /** Milliseconds since the epoch; 0: never. */
  readonly expiresAtMs: number
}

export interface Copies {
  readonly copies: readonly Copy[]
  /** Left out, because of their size. */
  readonly big: readonly Buffer[]
  /** Left out, because the batch was full. */
  readonly later: readonly Buffer[]
}

const bigMark = 1
const laterMark = 2

/** KEYS keys; ARGV bytes above which a key is big, bytes of a batch, `expiry` or nothing. A mark or a dump for each key. */
export const readCopiesScript = `local big, room, asked = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == 'expiry'
local out, n, taken = {}, 0, false
for i = 1, #KEYS do
  local size = redis.pcall('MEMORY', 'USAGE', KEYS[i])
  if type(size) == 'table' then size = 0 end
  local found, expiry = false, false
  if size and size > big then found = ${bigMark}
  elseif size and size > room and taken then found = ${laterMark}
  elseif size then
    found = redis.call('DUMP', KEYS[i])
    if found and asked then expiry = redis.call('PEXPIRETIME', KEYS[i]) end
    room, taken = room - size, true
  end
  n = n + 1
  out[n] = found
  if asked then
    n = n + 1
    out[n] = expiry
  end
end
return out`

/** Keys that are gone are in none of the lists. */
export async function readCopies(
  source: RespConnection,
  keys: readonly Buffer[],
  limits: { readonly bigKeyBytes: number; readonly batchBytes: number; readonly neverExpires: boolean },
): Promise<Copies> {
  const { bigKeyBytes, batchBytes, neverExpires } = limits
  const args = [bigKeyBytes, batchBytes, neverExpires ? '' : 'expiry']
  const command: Command = ['EVAL', readCopiesScript, keys.length, ...keys, ...args]
  const [reply] = await source.send([command])
  if (reply instanceof ReplyError) throw replyFailure(source.access, 'DUMP', reply)
  const found: readonly Reply[] = Array.isArray(reply) ? reply : []
  const each = neverExpires ? 1 : 2
  const read = { copies: [] as Copy[], big: [] as Buffer[], later: [] as Buffer[] }
  keys.forEach((key, index) => {
    const payload = found[each * index]
    if (payload === bigMark) read.big.push(key)
    else if (payload === laterMark) read.later.push(key)
    else if (Buffer.isBuffer(payload)) {
      const expiry = neverExpires ? 0 : Number(found[each * index + 1])
      read.copies.push({ key, payload, expiresAtMs: Math.max(0, expiry) })
    }
  })
  return read
}
