/**
 * What stands under a cache's key, and the scripts that change it, each in one step of its server.
 *
 *   L<token>                 a load lease: its holder's fill is taken, nobody else's
 *   W<token>                 a writer is between the database and the cache (strict writes)
 *   V<stamp, 16 digits><body>  a value; the stamp is the server's clock at its fill, in µs
 *   D<stamp, 16 digits><body>  the same, put by write-behind and not in the source yet: journal-scripts.ts. That it is old
 *                            is no reason not to believe it
 *
 * A plain DEL by anybody, also of another program, revokes a lease. Names that begin with `__cachectl:` belong to their
 * node: they do not move with a change of the ring. A script reads a key again after it has written it, because a key
 * that its reader writes is not tracked for it any more (race 8 of docs/cache.md).
 */

export const bornKey = '__cachectl:born'
export const refreshPrefix = '__cachectl:refresh:'

/** Redis before 7 must be told that what it read from its clock is not to be repeated on replicas. */
export const effects = 'if redis.replicate_commands then redis.replicate_commands() end'

const stampNow = `local t = redis.call('TIME')
local stamp = string.format('%.0f', t[1] * 1000000 + t[2])`

const put = `redis.call('SET', KEYS[1], 'V' .. stamp .. body, 'PX', ttl)
redis.call('GET', KEYS[1])`

/**
 * KEYS born; ARGV run id, run id that we knew here before, its µs. The µs before which nothing on this node is believed:
 * it has been started anew since, and may have forgotten a deletion. Absent, it was lost: the knower restores it. A node
 * that holds nothing yet has nothing to forget: what moves to it from others is believed, however long ago it was filled.
 */
export const bornScript = `${effects}
local record = redis.call('GET', KEYS[1])
local id, since
if record then id, since = string.match(record, '^(%S+) (%d+)$') end
if id == ARGV[1] then return since end
local function isEmpty()
  if redis.call('DBSIZE') > 16 then return false end
  for _, key in ipairs(redis.call('SCAN', 0, 'COUNT', 1000)[2]) do
    if string.sub(key, 1, 11) ~= '__cachectl:' then return false end
  end
  return true
end
if not record and ARGV[2] == ARGV[1] then since = ARGV[3]
elseif not record and isEmpty() then since = '0'
else
  local t = redis.call('TIME')
  since = string.format('%.0f', t[1] * 1000000 + t[2])
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. since)
return since`

/**
 * KEYS the keys; ARGV token, lease ms, the µs before which values are not believed. Of each key two replies: a value and its PTTL; 1: leased to us; 2 and the PTTL of
 * somebody else's lease; 3: a writer's marker; 4: nothing, where no lease was wanted (0 ms). `restore`: a Lua function of the
 * same name, which finds a missing value elsewhere.
 */
export function getOrLeaseText(restore = ''): string {
  return `${effects}
local since = tonumber(ARGV[3])
${restore}
local out = {}
for i = 1, #KEYS do
  local found = redis.call('GET', KEYS[i])
  local kind = found and string.byte(found)
  if kind == 68 or (kind == 86 and tonumber(string.sub(found, 2, 17)) >= since) then
    out[2 * i - 1], out[2 * i] = found, redis.call('PTTL', KEYS[i])
  elseif kind == 76 and found ~= 'L' .. ARGV[1] then
    out[2 * i - 1], out[2 * i] = 2, redis.call('PTTL', KEYS[i])
  elseif kind == 87 then
    out[2 * i - 1], out[2 * i] = 3, 0
  else${
    restore &&
    `
    local restored = restore(KEYS[i])
    if restored then out[2 * i - 1], out[2 * i] = restored, -1 else`
  }
    if ARGV[2] == '0' then
      out[2 * i - 1], out[2 * i] = 4, 0
    else
      redis.call('SET', KEYS[i], 'L' .. ARGV[1], 'PX', ARGV[2])
      redis.call('GET', KEYS[i])
      out[2 * i - 1], out[2 * i] = 1, 0
    end${restore && ' end'}
  end
end
return out`
}

export const getOrLeaseScript = getOrLeaseText()

/** KEYS key; ARGV token, lease ms. 1: still ours. */
export const keepLeaseScript = `if redis.call('GET', KEYS[1]) ~= 'L' .. ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('GET', KEYS[1])
return 1`

/** KEYS key; ARGV token. */
export const releaseLeaseScript = `if redis.call('GET', KEYS[1]) ~= 'L' .. ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/** KEYS key; ARGV token, body, ttl ms. 1: the lease was still there. */
export const fillScript = `${effects}
if redis.call('GET', KEYS[1]) ~= 'L' .. ARGV[1] then return 0 end
local body, ttl = ARGV[2], ARGV[3]
${stampNow}
${put}
return 1`

/** KEYS key; ARGV stamp, token, lease ms. 1: the refresh is ours. */
export const startRefreshScript = `if redis.call('GETRANGE', KEYS[1], 0, 16) ~= 'V' .. ARGV[1] then return 0 end
return redis.call('SET', '${refreshPrefix}' .. KEYS[1], ARGV[2], 'NX', 'PX', ARGV[3]) and 1 or 0`

/** KEYS key; ARGV stamp, token, body, ttl ms. 1: the value of that stamp was still there. */
export const refillScript = `${effects}
local refresh = '${refreshPrefix}' .. KEYS[1]
if redis.call('GET', refresh) == ARGV[2] then redis.call('DEL', refresh) end
if redis.call('GETRANGE', KEYS[1], 0, 16) ~= 'V' .. ARGV[1] then return 0 end
local body, ttl = ARGV[3], ARGV[4]
${stampNow}
${put}
return 1`

/** KEYS key; ARGV body, ttl ms. */
export const putScript = `${effects}
local body, ttl = ARGV[1], ARGV[2]
${stampNow}
${put}
return 1`

/**
 * KEYS key; ARGV version, body, ttl ms. 1: it replaced an older version. Where no value stands, none is put: one that was
 * newer may have been there and gone.
 */
export const updateScript = `${effects}
if redis.call('GETRANGE', KEYS[1], 0, 0) ~= 'V' then
  redis.call('DEL', KEYS[1])
  return 0
end
local there = redis.call('GETRANGE', KEYS[1], 17, 36)
local a, b = tonumber(string.sub(there, 1, 10)), tonumber(string.sub(there, 11, 20))
local c, d = tonumber(string.sub(ARGV[1], 1, 10)), tonumber(string.sub(ARGV[1], 11, 20))
if a > c or (a == c and b >= d) then return 0 end
local body, ttl = ARGV[2], ARGV[3]
${stampNow}
${put}
return 1`

/** KEYS key; ARGV stamp or nothing, ttl ms. */
export const touchScript = `local there = redis.call('GETRANGE', KEYS[1], 0, #ARGV[1])
if there ~= 'V' .. ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('GETRANGE', KEYS[1], 0, 0)
return 1`

/** KEYS key; ARGV token. What a reader leased meanwhile is revoked; another writer's marker stays. */
export const unmarkScript = `local found = redis.call('GET', KEYS[1])
if found and string.byte(found) == 87 and found ~= 'W' .. ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/** KEYS tags of one node. Of each: the µs of its last invalidation, and how long ago that is; 0: never. */
export const tagVersionsScript = `${effects}
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local out = {}
for i = 1, #KEYS do
  local at = redis.call('GET', KEYS[i])
  if at then
    out[2 * i - 1], out[2 * i] = at, string.format('%.0f', now - tonumber(at))
  else
    at = string.format('%.0f', now)
    redis.call('SET', KEYS[i], at)
    redis.call('GET', KEYS[i])
    out[2 * i - 1], out[2 * i] = at, '-1'
  end
end
return out`

/** KEYS tag. Later than every invalidation before. */
export const invalidateTagScript = `${effects}
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local at = tonumber(redis.call('GET', KEYS[1]) or '0')
if now <= at then now = at + 1 end
redis.call('SET', KEYS[1], string.format('%.0f', now))
return 1`
