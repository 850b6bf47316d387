/**
 * Second copies of entries, on the next node of the ring that answers, under
 *
 *   __cachectl:copies:<ns>    hash, key → a record as in the journal
 *   __cachectl:copydue:<ns>   sorted set, key → when to see whether the journal still has it, ms
 *
 * A copy whose entry is neither in its journal nor settled was orphaned by the loss of its node: it becomes an entry at
 * the node that owns the key then.
 */
import { unreachable } from '../errors.js'
import { buildRing } from '../ring/build-ring.js'
import type { Ring } from '../ring/ring.js'
import type { CacheRing } from './cache-ring.js'
import { effects } from './cache-scripts.js'
import { clock, headBytes, names, seqDigits } from './journal-scripts.js'
import type { CommandPart, Reply } from './resp.js'
import { runOn, scriptOf } from './script.js'

export const copiesPrefix = '__cachectl:cop'

const copyNames = `local copies, due = '${copiesPrefix}ies:' .. ARGV[1], '${copiesPrefix}ydue:' .. ARGV[1]`

/** ARGV namespace, key, record, grace ms. */
const copy = scriptOf(
  'copy an entry',
  `${effects}
${copyNames}
${clock}
local there = redis.call('HGET', copies, ARGV[2])
if there and string.sub(there, 1, ${seqDigits}) >= string.sub(ARGV[3], 1, ${seqDigits}) then return 0 end
redis.call('HSET', copies, ARGV[2], ARGV[3])
redis.call('ZADD', due, now + tonumber(ARGV[4]), ARGV[2])
return 1`,
)

/** ARGV namespace, then of each its key and seq: copies that are not newer go. */
const remove = scriptOf(
  'remove copies',
  `${copyNames}
for i = 2, #ARGV, 2 do
  local there = redis.call('HGET', copies, ARGV[i])
  if there and string.sub(there, 1, ${seqDigits}) <= ARGV[i + 1] then
    redis.call('HDEL', copies, ARGV[i])
    redis.call('ZREM', due, ARGV[i])
  end
end
return 1`,
)

/** ARGV namespace, most copies, ms until they are due again. Keys and records. */
const takeDue = scriptOf(
  'look at copies',
  `${effects}
${copyNames}
${clock}
local out = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local record = redis.call('HGET', copies, key)
  if record then
    redis.call('ZADD', due, now + tonumber(ARGV[3]), key)
    out[#out + 1], out[#out + 2] = key, record
  else redis.call('ZREM', due, key) end
end
return out`,
)

/** KEYS key; ARGV namespace, record. 1: it is an entry again; 0: it still is, or a newer one. */
const adopt = scriptOf(
  'adopt a copy',
  `${effects}
${names}
${clock}
local key, seq = KEYS[1], string.sub(ARGV[2], 1, ${seqDigits})
local there = redis.call('HGET', journal, key)
if there and string.sub(there, 1, ${seqDigits}) >= seq then return 0 end
redis.call('HSET', journal, key, ARGV[2])
redis.call('ZADD', dirty, 'NX', now, key)
redis.call('ZADD', since, 'NX', now, key)
redis.call('SET', key, 'D' .. seq .. string.sub(ARGV[2], ${headBytes + 1}))
return 1`,
)

const pageKeys = 100

export class JournalCopies {
  private known: { readonly epoch: number; readonly ring: Ring } | undefined

  constructor(
    private readonly cache: CacheRing,
    private readonly namespace: string,
  ) {}

  /** Errors: `unreachable` when no other node takes it. */
  async put(
    key: Buffer,
    owner: string,
    { record, graceMs }: { record: Buffer; graceMs: number },
  ): Promise<void> {
    let failure: unknown = unreachable(
      'a second copy needs a second node',
      'Add one to the ring, or take `copies: 1`.',
    )
    for (const node of this.othersFor(key, owner)) {
      if (!this.cache.isUp(node)) continue
      try {
        await this.at(node, copy, [key, record, Math.round(graceMs)])
        return
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  /** They are settled: nobody needs their copies, wherever those stand. */
  async remove(entries: readonly { readonly key: Buffer; readonly seq: string }[]): Promise<void> {
    const args = entries.flatMap(({ key, seq }) => [key, seq])
    // one that stays is written once more
    await Promise.allSettled(this.cache.ring.nodeIds.map((node) => this.at(node, remove, args)))
  }

  /** Copies at a node that are due become entries where they are not; the number of those. */
  async restore(node: string, graceMs: number): Promise<number> {
    const found = await this.at(node, takeDue, [pageKeys, Math.round(graceMs)])
    if (!Array.isArray(found)) return 0
    let count = 0
    for (let at = 0; at + 1 < found.length; at += 2) {
      const { reply } = await this.cache.run(
        adopt,
        [found[at] as Buffer],
        [this.namespace, found[at + 1] as Buffer],
      )
      count += Number(reply)
    }
    return count
  }

  private othersFor(key: Buffer, owner: string): string[] {
    const { epoch, topology } = this.cache.ring
    if (this.known?.epoch !== epoch) this.known = { epoch, ring: buildRing(topology) }
    const { nodes } = topology
    const ids = this.known.ring.replicas(key, nodes.length).map((index) => nodes[index]!.id)
    return ids.filter((id) => id !== owner)
  }

  private async at(node: string, script: typeof copy, args: readonly CommandPart[]): Promise<Reply> {
    return runOn(await this.cache.ring.connectionTo(node), script, [this.namespace, ...args])
  }
}
