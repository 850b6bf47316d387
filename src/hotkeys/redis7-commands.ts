/** Where the keys of Redis 7.0's commands are, for what is read without a server. Made by scripts/command-table.mjs. */
import type { CommandShape } from './key-positions.js'
import type { KeySpec } from './key-specs.js'

/**
 * Key specifications → the commands that have them. `2+0,1,0`: from argument 2 on, to the last, step, limit;
 * `1#0,1,1`: there a number of keys, the first of them, step; `streams@1…`: after that word, looked for from there on.
 * Without specifications: parts of containers, for their names.
 */
const table: Readonly<Record<string, string>> = {
  '': `
    acl|cat acl|deluser acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|load acl|log acl|save
    acl|setuser acl|users acl|whoami client|caching client|getname client|getredir client|help
    client|id client|info client|kill client|list client|no-evict client|pause client|reply
    client|setname client|tracking client|trackinginfo client|unblock client|unpause cluster|addslots
    cluster|addslotsrange cluster|bumpepoch cluster|count-failure-reports cluster|countkeysinslot
    cluster|delslots cluster|delslotsrange cluster|failover cluster|flushslots cluster|forget
    cluster|getkeysinslot cluster|help cluster|info cluster|keyslot cluster|links cluster|meet
    cluster|myid cluster|nodes cluster|replicas cluster|replicate cluster|reset cluster|saveconfig
    cluster|set-config-epoch cluster|setslot cluster|shards cluster|slaves cluster|slots command|count
    command|docs command|getkeys command|getkeysandflags command|help command|info command|list
    config|get config|help config|resetstat config|rewrite config|set function|delete function|dump
    function|flush function|help function|kill function|list function|load function|restore
    function|stats latency|doctor latency|graph latency|help latency|histogram latency|history
    latency|latest latency|reset memory|doctor memory|help memory|malloc-stats memory|purge
    memory|stats module|help module|list module|load module|loadex module|unload object|help
    pubsub|channels pubsub|help pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub
    script|debug script|exists script|flush script|help script|kill script|load slowlog|get
    slowlog|help slowlog|len slowlog|reset xgroup|help xinfo|help
  `,
  '1#0,1,1': 'lmpop sintercard zdiff zinter zintercard zmpop zunion',
  '1+-1,1,0': 'del exists mget pfcount sdiff sinter sunion touch unlink watch',
  '1+-1,2,0': 'mset msetnx',
  '1+-2,1,0': 'blpop brpop bzpopmax bzpopmin',
  '1+0,1,0 2#0,1,1': 'zdiffstore zinterstore zunionstore',
  '1+0,1,0 2+-1,1,0': 'pfmerge sdiffstore sinterstore sunionstore',
  '1+0,1,0 2+0,1,0': `
    blmove brpoplpush copy geosearchstore lmove rename renamenx rpoplpush smove zrangestore
  `,
  '1+0,1,0 store@5+0,1,0 storedist@5+0,1,0': 'georadiusbymember',
  '1+0,1,0 store@6+0,1,0 storedist@6+0,1,0': 'georadius',
  '1+0,1,0': `
    append bitcount bitfield bitfield_ro bitpos decr decrby dump expire expireat expiretime geoadd
    geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getdel getex
    getrange getset hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield
    hscan hset hsetnx hstrlen hvals incr incrby incrbyfloat lindex linsert llen lpop lpos lpush lpushx
    lrange lrem lset ltrim move persist pexpire pexpireat pexpiretime pfadd psetex pttl restore
    restore-asking rpop rpush rpushx sadd scard set setbit setex setnx setrange sismember smembers
    smismember sort sort_ro spop srandmember srem sscan strlen substr ttl type xack xadd xautoclaim
    xclaim xdel xlen xpending xrange xrevrange xsetid xtrim zadd zcard zcount zincrby zlexcount
    zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrank zrem zremrangebylex
    zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore
  `,
  '1+1,1,0': 'lcs',
  '2#0,1,1': 'blmpop bzmpop eval eval_ro evalsha evalsha_ro fcall fcall_ro',
  '2+0,1,0 3+-1,1,0': 'bitop',
  '2+0,1,0': `
    memory|usage object|encoding object|freq object|idletime object|refcount pfdebug xgroup|create
    xgroup|createconsumer xgroup|delconsumer xgroup|destroy xgroup|setid xinfo|consumers xinfo|groups
    xinfo|stream
  `,
  '3+0,1,0 keys@-2+-1,1,0': 'migrate',
  'streams@1+-1,1,2': 'xread',
  'streams@4+-1,1,2': 'xreadgroup',
}

export function redis7Commands(): CommandShape[] {
  const whole: CommandShape[] = []
  const parts = new Map<string, CommandShape[]>()
  for (const [specs, names] of Object.entries(table)) {
    const keySpecs = specs === '' ? [] : specs.split(' ').map(parseSpec)
    for (const name of names.trim().split(/\s+/)) {
      const shape = { name, first: 0, last: 0, step: 0, keySpecs }
      const [container, part] = name.split('|')
      if (part) parts.set(container!, [...(parts.get(container!) ?? []), shape])
      else whole.push(shape)
    }
  }
  const containers = [...parts].map(([name, own]) => ({ name, first: 0, last: 0, step: 0, parts: own }))
  return [...whole, ...containers]
}

function parseSpec(text: string): KeySpec {
  const [, keyword, from, index, kind, numbers = ''] = /^(?:(\w+)@(-?\d+)|(\d+))([+#])(.*)$/.exec(text) ?? []
  const begin = keyword ? { keyword, from: Number(from) } : { index: Number(index) }
  const [first = 0, second = 0, third = 0] = numbers.split(',').map(Number)
  return kind === '#'
    ? { begin, find: { countAt: first, first: second, step: third } }
    : { begin, find: { last: first, step: second, limit: third } }
}
