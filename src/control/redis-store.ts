/**
 * The control store on a Redis server: every change is one script, so that it is atomic.
 * An asynchronous failover can take acknowledged changes back; the gates on the nodes then still hold (docs/protocol.md).
 */
import type { ControlStore, Lease, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { isUnreachable, refused, unreachable } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import type { Reply } from '../redis/resp.js'
import { openConnection, type RespConnection } from '../redis/resp-connection.js'
import { parseClient, parseRingState } from './records.js'
import { watchByPolling } from './watch-by-polling.js'

/** KEYS state; ARGV expected revision ('' for none), next state. The new revision, or nil. */
const swap = `local revision = redis.call('HGET', KEYS[1], 'revision') or ''
if revision ~= ARGV[1] then return false end
local next = redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('HSET', KEYS[1], 'state', ARGV[2])
return tostring(next)`
/** KEYS lease, counter; ARGV holder, ttl. The token, or the present holder. */
const acquire = `local held = redis.call('GET', KEYS[1])
if held then return held end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token .. ' ' .. ARGV[1], 'PX', ARGV[2])
return token`
/** KEYS lease; ARGV token and a space, ttl or '' to release. */
const renew = `local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

export const leaseMs = 5_000

/** `ring` separates rings that share a server. */
export function createRedisStore(access: NodeAccess, ring: string, clock: Clock): ControlStore {
  const key = (part: string) => `cachectl:{${ring}}:${part}`
  let open: Promise<RespConnection> | undefined
  const call = async (...command: [string, ...(string | number)[]]): Promise<Reply> => {
    open ??= openConnection(access, { clientName: 'cc-control', idleTimeoutMs: 5_000 })
    const opening = open
    try {
      return await (await opening).call(...command)
    } catch (error) {
      // a lost connection is replaced at the next call; this call's outcome is the caller's to find out
      const connection = await opening.catch(() => undefined)
      if ((!connection || connection.isLost) && open === opening) open = undefined
      if (!isUnreachable(error)) throw error
      throw unreachable(error.message.replace(/^node control\b/, 'control store'), error.remedy, error)
    }
  }
  const load = async (): Promise<StoredState | undefined> => {
    const reply = await call('HMGET', key('state'), 'revision', 'state')
    const [revision, state] = Array.isArray(reply) ? reply : []
    if (!revision || !state) return undefined
    return { revision: String(revision), state: parseRingState(String(state), key('state')) }
  }
  const leaseOf = (token: number): Lease => ({
    token,
    renew: async () => (await call('EVAL', renew, 1, key('lease'), `${token} `, leaseMs)) === 1,
    release: async () => {
      await call('EVAL', renew, 1, key('lease'), `${token} `, '')
    },
  })

  return {
    name: access.node.url,
    load,
    async compareAndSwap(expected, next) {
      const reply = await call('EVAL', swap, 1, key('state'), expected?.revision ?? '', JSON.stringify(next))
      return reply === null ? undefined : { revision: String(reply), state: next }
    },
    watch: (signal) => watchByPolling(load, clock, signal),
    async acquireLease(holder) {
      const reply = await call('EVAL', acquire, 2, key('lease'), key('lease-tokens'), holder, leaseMs)
      if (typeof reply === 'number') return leaseOf(reply)
      const other = String(reply).replace(/^\d+ /, '')
      throw refused(
        `the ring is being changed by ${printable(other)} (${access.node.url})`,
        'Wait until it has ended; `cachectl ring status` shows how far it is.',
      )
    },
    async putClient(client) {
      await call('HSET', key('clients'), client.id, JSON.stringify(client))
    },
    async removeClient(id) {
      await call('HDEL', key('clients'), id)
    },
    async clients() {
      const reply = await call('HVALS', key('clients'))
      return Array.isArray(reply) ? reply.map((text) => parseClient(String(text))) : []
    },
    async close() {
      const connection = await open?.catch(() => undefined)
      connection?.close()
    },
  }
}
