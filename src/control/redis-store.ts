/**
 * The control store on a Redis server: every change is one script, so that it is atomic.
 * An asynchronous failover can take acknowledged changes back; the gates on the nodes then still hold (docs/protocol.md).
 */
import type { ControlStore, Lease, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import type { Reply } from '../redis/resp.js'
import { parseClient, parseRingState } from './records.js'
import { createStoreConnection } from './redis-connection.js'
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
/** KEYS notices; ARGV name, '1' and the expected text or '0' and '' for none, next text. Whether it was replaced. */
const replace = `local found = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == '0' and found or ARGV[2] == '1' and found ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
return 1`

export const leaseMs = 5_000

/** `ring` separates rings that share a server. */
export function createRedisStore(access: NodeAccess, ring: string, clock: Clock): ControlStore {
  const name = access.node.url
  const key = (part: string) => `cachectl:{${ring}}:${part}`
  const { call, close } = createStoreConnection(access)
  const load = async (): Promise<StoredState | undefined> => {
    const reply = await call('HMGET', key('state'), 'revision', 'state')
    const [revision, state] = Array.isArray(reply) ? reply : []
    if (revision === null && state === null) return undefined
    return { revision: String(revision), state: parseRingState(String(state), `${name} ${key('state')}`) }
  }
  const leaseOf = (token: number): Lease => ({
    token,
    renew: async () => (await call('EVAL', renew, 1, key('lease'), `${token} `, leaseMs)) === 1,
    release: async () => {
      await call('EVAL', renew, 1, key('lease'), `${token} `, '')
    },
  })

  return {
    name,
    load,
    async compareAndSwap(expected, next) {
      const reply = await call('EVAL', swap, 1, key('state'), expected?.revision ?? '', JSON.stringify(next))
      return reply === null ? undefined : { revision: String(reply), state: next }
    },
    watch: (signal) => watchByPolling(load, clock, signal),
    async acquireLease(holder) {
      const reply = await call('EVAL', acquire, 2, key('lease'), key('lease-tokens'), holder, leaseMs)
      if (typeof reply === 'number') return leaseOf(reply)
      const other = holderOf(reply)
      throw refused(
        `the ring is being changed by ${printable(other)} (${name})`,
        'Wait until it has ended; `cachectl ring status` shows how far it is.',
      )
    },
    async leaseHolder() {
      const reply = await call('GET', key('lease'))
      return reply === null ? undefined : holderOf(reply)
    },
    async putClient(client) {
      await call('HSET', key('clients'), client.id, JSON.stringify(client))
    },
    async removeClient(id) {
      await call('HDEL', key('clients'), id)
    },
    async clients() {
      const reply = await call('HVALS', key('clients'))
      return Array.isArray(reply)
        ? reply.map((text) => parseClient(String(text), `${name} ${key('clients')}`))
        : []
    },
    async putNotice(notice, text) {
      if (text === undefined) await call('HDEL', key('notices'), notice)
      else await call('HSET', key('notices'), notice, text)
    },
    async replaceNotice(notice, expected, text) {
      const found = expected === undefined ? ['0', ''] : ['1', expected]
      return (await call('EVAL', replace, 1, key('notices'), notice, ...found, text)) === 1
    },
    async notice(notice) {
      const reply = await call('HGET', key('notices'), notice)
      return reply === null ? undefined : String(reply)
    },
    close,
  }
}

/** The lease's value is `TOKEN HOLDER`. */
function holderOf(value: Reply): string {
  return String(value).replace(/^\d+ /, '')
}
