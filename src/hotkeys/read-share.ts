/**
 * How much of a key's traffic is reading, from counts of its commands. A look of the cache library is three commands of
 * one write (PTTL, SET NX GET, GETRANGE: redis/quick-look.ts), and so its SET is no write; of a SET only the name is known.
 */

/** Commands on a key that change nothing. */
const readers: ReadonlySet<string> = new Set(
  [
    'bitcount bitfield_ro bitpos dump exists expiretime geodist geohash geopos georadius_ro georadiusbymember_ro',
    'geosearch get getbit getrange hexists hget hgetall hkeys hlen hmget hrandfield hscan hstrlen hvals lcs lindex llen',
    'lpos lrange mget object|encoding object|freq object|idletime object|refcount pexpiretime pfcount pttl scard sdiff',
    'sinter sintercard sismember smembers smismember sort_ro srandmember sscan strlen substr sunion touch ttl type xinfo',
    'xlen xrange xread xrevrange zcard zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex',
    'zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion object watch',
  ].flatMap((line) => line.split(' ')),
)

export interface Accesses {
  readonly reads: number
  readonly writes: number
}

/** Command in lower case → how often, or its share. Commands that are not known to read count as writes. */
export function accessesOf(commands: Readonly<Record<string, number>>): Accesses {
  const { pttl = 0, set = 0, getrange = 0 } = commands
  const looks = Math.min(pttl, set, getrange)
  let reads = 0
  let writes = 0
  for (const [command, count] of Object.entries(commands)) {
    if (command === 'set') {
      writes += count - looks
    } else if (readers.has(command)) reads += count
    else writes += count
  }
  // PTTL and GETRANGE are counted: one look is one read
  return { reads: reads - looks, writes }
}

/** In [0, 1]; of no commands 0. */
export function readShare(commands: Readonly<Record<string, number>>): number {
  const { reads, writes } = accessesOf(commands)
  return reads + writes > 0 ? reads / (reads + writes) : 0
}
