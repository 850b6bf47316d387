/** Where machines of one run meet, on a Redis server: a key for each text, which expires, and a sorted set of the names. */
import type { MeetingPort } from '../cache/ports.js'
import type { NodeAccess } from '../operations/ports.js'
import { createStoreConnection } from './redis-connection.js'

/** Beside every ring's keys (`cachectl:{RING}:…`): no ring's name holds an @. One hash tag, so one slot. */
const base = 'cachectl:{@bench}:'
const index = `${base}names`

/** KEYS text, index; ARGV name, text, ttl ms. The index outlives what it names. */
const put = `redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return 1`
/** KEYS index; ARGV where texts are, least and greatest name. Names and texts; names whose text has expired are dropped. */
const list = `local found = {}
for _, name in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], ARGV[2], ARGV[3])) do
  local text = redis.call('GET', ARGV[1] .. name)
  if text then found[#found + 1] = name; found[#found + 1] = text
  else redis.call('ZREM', KEYS[1], name) end
end
return found`
/** KEYS index; ARGV as above. */
const remove = `for _, name in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], ARGV[2], ARGV[3])) do
  redis.call('DEL', ARGV[1] .. name)
  redis.call('ZREM', KEYS[1], name)
end
return 1`

export function createRedisMeeting(access: NodeAccess): MeetingPort {
  const { call, close } = createStoreConnection(access)
  const key = (name: string) => `${base}texts:${name}`
  const range = (prefix: string) => [index, key(''), `[${prefix}`, `(${prefix}\u{10ffff}`] as const
  return {
    place: access.node.url,
    async put(name, text, ttlSeconds) {
      await call('EVAL', put, 2, key(name), index, name, text, ttlSeconds * 1_000)
    },
    async get(name) {
      const reply = await call('GET', key(name))
      return reply === null ? undefined : String(reply)
    },
    async list(prefix) {
      const reply = await call('EVAL', list, 1, ...range(prefix))
      const texts = Array.isArray(reply) ? reply.map(String) : []
      return texts.flatMap((name, at) => (at % 2 === 0 ? [{ name, text: texts[at + 1] ?? '' }] : []))
    },
    async remove(prefix) {
      await call('EVAL', remove, 1, ...range(prefix))
    },
    close,
  }
}
