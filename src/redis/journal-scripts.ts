/**
 * Write-behind on a node: the scripts that put, claim and settle, each in one step of its server and by its clock. Beside
 * the value key, which holds
 *
 *   D<seq, 16 digits><body>    dirty: the source of truth does not have it yet; it has no expiry
 *
 * each namespace has, under names that belong to the node:
 *
 *   __cachectl:journal:<ns>   hash, key → seq (16 digits) · attempts (2) · ttl ms (12) · body
 *   __cachectl:dirty:<ns>     sorted set, key → when it is due, ms; with a fraction of .5 it is claimed, or waits after a
 *                             failure. The score of a claim is its token: whoever finds another there has lost it
 *   __cachectl:since:<ns>     sorted set, key → since when it waits, ms
 *   __cachectl:dead:<ns>      hash, key → ms of its end (13) · seq · attempts · ttl · length of the error (5) · error · body
 *   __cachectl:settled:<ns>   the placement under which no entry waits at a node that does not own its key
 *
 * Scripts that make room begin with a command that a full server takes: then it takes the others of the script too.
 */
import { effects, getOrLeaseText } from './cache-scripts.js'

export const journalPrefix = '__cachectl:journal:'
export const deadPrefix = '__cachectl:dead:'
const dirtyPrefix = '__cachectl:dirty:'
const sincePrefix = '__cachectl:since:'
export const settledPrefix = '__cachectl:settled:'
/** The error code of a put that found the journal full. */
export const fullCode = 'FULL'

export const seqDigits = 16
export const attemptDigits = 2
export const ttlDigits = 12
export const headBytes = seqDigits + attemptDigits + ttlDigits
export const deadMsDigits = 13
export const errorLengthDigits = 5

export const dirtyNameOf = (namespace: string) => dirtyPrefix + namespace

export const names = `local journal, dirty = '${journalPrefix}' .. ARGV[1], '${dirtyPrefix}' .. ARGV[1]
local since, dead = '${sincePrefix}' .. ARGV[1], '${deadPrefix}' .. ARGV[1]`

export const clock = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)`

const makeRoom = `redis.call('DEL', '__cachectl:room')`

/** Whether the entry is claimed under our token; how one goes, and how one that was replaced is due. */
const isOurs = `local function isOurs(key, token)
  local score = redis.call('ZSCORE', dirty, key)
  return score and tonumber(score) == tonumber(token)
end
local function forget(key)
  redis.call('HDEL', journal, key)
  redis.call('ZREM', dirty, key)
  redis.call('ZREM', since, key)
end
local function renewed(key, record)
  redis.call('ZADD', dirty, now, key)
  redis.call('ZADD', since, math.floor(tonumber(string.sub(record, 1, ${seqDigits})) / 1000), key)
  return 2
end`

/** The entry is in the source: 1: it went; 2: a newer one is due; 0: somebody else has claimed it; 3: the
 * one we claimed is not here: the key belongs to another node now, or it has gone. */
const acknowledge = `${isOurs}
local hasDead = redis.call('EXISTS', dead) == 1
local function acknowledge(key, token, seq)
  local record = redis.call('HGET', journal, key)
  if not record then return 3 end
  local isSame = string.sub(record, 1, ${seqDigits}) == seq
  if not isOurs(key, token) then return isSame and 0 or 3 end
  if not isSame then return renewed(key, record) end
  forget(key)
  if hasDead then redis.call('HDEL', dead, key) end
  return 1
end`

/** What stands under the key after its value has reached the source. A load that ran meanwhile may have read an older one. */
const settleValue = `local function settle(key, seq, ttl)
  local head = redis.call('GETRANGE', key, 0, ${seqDigits})
  if head == 'D' .. seq then
    if tonumber(ttl) == 0 then redis.call('DEL', key)
    else
      redis.call('SETRANGE', key, 0, 'V')
      redis.call('PEXPIRE', key, ttl)
    end
    return
  end
  local kind = string.byte(head)
  if kind and kind ~= 68 and kind ~= 87 and head ~= 'V' .. seq then redis.call('DEL', key) end
end`

/**
 * KEYS key; ARGV namespace, body, ttl ms (12 digits), delay ms, most keys that may wait, a number to exceed. The entry's
 * seq, and the ms it was put.
 */
export const journalPutScript = `${effects}
${names}
local key, before = KEYS[1], tonumber(ARGV[6])
local head = redis.call('GETRANGE', key, 0, ${seqDigits})
local kind = string.byte(head)
if kind == 68 or kind == 86 then
  local stamp = tonumber(string.sub(head, 2))
  if stamp and stamp > before then before = stamp end
end
local record = redis.call('HGET', journal, key)
if record then
  local seq = tonumber(string.sub(record, 1, ${seqDigits}))
  if seq > before then before = seq end
else
  local count = redis.call('HLEN', journal)
  if count >= tonumber(ARGV[5]) then return redis.error_reply('${fullCode} ' .. count) end
end
${clock}
local at = t[1] * 1000000 + t[2]
if at <= before then at = before + 1 end
local seq = string.format('%016.0f', at)
redis.call('HSET', journal, key, seq .. '00' .. ARGV[3] .. ARGV[2])
redis.call('ZADD', dirty, 'NX', now + tonumber(ARGV[4]), key)
redis.call('ZADD', since, 'NX', now, key)
redis.call('SET', key, 'D' .. seq .. ARGV[2])
return {seq, now}`

/** As `getOrLeaseScript`, with ARGV namespace as the fourth: what is missing may still wait in the journal. */
export const getOrLeaseBehindScript = getOrLeaseText(
  `local function restore(key)
  local record = redis.call('HGET', '${journalPrefix}' .. ARGV[4], key)
  if not record then return nil end
  redis.call('SET', key, 'D' .. string.sub(record, 1, ${seqDigits}) .. string.sub(record, ${headBytes + 1}))
  return redis.call('GET', key)
end`,
)

/** KEYS keys; ARGV namespace. A write of the same byte tells everybody who has read it. */
export const journalInvalidateScript = `${names}
${makeRoom}
for i = 1, #KEYS do
  local key = KEYS[i]
  local record = redis.call('HGET', journal, key)
  if redis.call('GETRANGE', key, 0, 0) == 'D' then redis.call('SETRANGE', key, 0, 'D')
  elseif record then
    redis.call('SET', key, 'D' .. string.sub(record, 1, ${seqDigits}) .. string.sub(record, ${headBytes + 1}))
  else redis.call('DEL', key) end
end
return 1`

const stateOf = `local function stateOf()
  local oldest = redis.call('ZRANGE', since, 0, 0, 'WITHSCORES')[2]
  return redis.call('HLEN', journal), oldest or '-1', now
end`

/** ARGV namespace. Entries, since when the oldest waits (-1: none), now. */
export const journalStateScript = `${effects}
${names}
${clock}
${stateOf}
local count, oldest = stateOf()
return {count, oldest, now}`

/** ARGV namespace, most entries, lease ms, early ms, most bytes. Token, the state, ms until the next is due, keys and records. */
export const journalClaimScript = `${effects}
${names}
${clock}
${stateOf}
${isOurs}
${makeRoom}
local early, left, bytes = tonumber(ARGV[4]), tonumber(ARGV[2]), tonumber(ARGV[5])
local token = string.format('%.1f', now + tonumber(ARGV[3]) + 0.5)
local out = {token, 0, 0, now, -1}
local found = redis.call('ZRANGEBYSCORE', dirty, '-inf', now + early, 'WITHSCORES', 'LIMIT', 0, early > 0 and left + 1000 or left)
for i = 1, #found, 2 do
  local key, score = found[i], tonumber(found[i + 1])
  if left > 0 and bytes > 0 and (score <= now or score % 1 == 0) then
    local record = redis.call('HGET', journal, key)
    if record then
      redis.call('ZADD', dirty, token, key)
      out[#out + 1], out[#out + 2] = key, record
      left, bytes = left - 1, bytes - #record
    else forget(key) end
  end
end
local count, oldest = stateOf()
out[2], out[3] = count, oldest
local first = redis.call('ZRANGE', dirty, 0, 0, 'WITHSCORES')[2]
if first then out[5] = math.max(0, math.ceil(tonumber(first) - now)) end
return out`

/** ARGV namespace, token, lease ms, keys. The new token. */
export const journalRenewScript = `${effects}
${names}
${clock}
${isOurs}
${makeRoom}
local token = string.format('%.1f', now + tonumber(ARGV[3]) + 0.5)
for i = 4, #ARGV do
  if isOurs(ARGV[i], ARGV[2]) then redis.call('ZADD', dirty, token, ARGV[i]) end
end
return token`

/** KEYS keys of one owner; ARGV namespace, token, then of each its seq and ttl ms. Of each what `acknowledge` says. */
export const journalSettleScript = `${effects}
${names}
${clock}
${makeRoom}
${acknowledge}
${settleValue}
local out = {}
for i = 1, #KEYS do
  local seq, ttl = ARGV[2 * i + 1], ARGV[2 * i + 2]
  out[i] = acknowledge(KEYS[i], ARGV[2], seq)
  if out[i] == 1 or out[i] == 3 then settle(KEYS[i], seq, ttl) end
end
return out`

/** ARGV namespace, token, then of each entry its key and seq: those whose keys belong to another node now. */
export const journalReleaseScript = `${effects}
${names}
${clock}
${makeRoom}
${acknowledge}
local out = {}
for i = 3, #ARGV, 2 do out[#out + 1] = acknowledge(ARGV[i], ARGV[2], ARGV[i + 1]) end
return out`

/** ARGV namespace, token, then of each entry: key, seq, delay ms, 1 where it counts as an attempt. */
export const journalRetryScript = `${effects}
${names}
${clock}
${isOurs}
${makeRoom}
for i = 3, #ARGV, 4 do
  local key = ARGV[i]
  local record = redis.call('HGET', journal, key)
  if record and isOurs(key, ARGV[2]) then
    local due = now + math.floor(tonumber(ARGV[i + 2])) + 0.5
    if string.sub(record, 1, ${seqDigits}) ~= ARGV[i + 1] then due = now
    elseif ARGV[i + 3] == '1' then
      local attempts = tonumber(string.sub(record, ${seqDigits + 1}, ${seqDigits + attemptDigits})) + 1
      redis.call('HSET', journal, key, ARGV[i + 1] .. string.format('%02d', math.min(99, attempts)) .. string.sub(record, ${seqDigits + attemptDigits + 1}))
    end
    redis.call('ZADD', dirty, due, key)
  end
end
return 1`

const bury = `local function bury(key, token, seq, text)
  local record = redis.call('HGET', journal, key)
  if not record then return 3 end
  local isSame = string.sub(record, 1, ${seqDigits}) == seq
  if not isOurs(key, token) then return isSame and 0 or 3 end
  if not isSame then return renewed(key, record) end
  redis.call('HSET', dead, key, string.format('%.0f', now) .. string.sub(record, 1, ${headBytes}) .. string.format('%05d', #text) .. text .. string.sub(record, ${headBytes + 1}))
  forget(key)
  return 1
end`

/** KEYS key; ARGV namespace, token, seq, error. As `acknowledge`; the value goes. */
export const journalBuryScript = `${effects}
${names}
${clock}
${isOurs}
${makeRoom}
${bury}
if redis.call('GETRANGE', KEYS[1], 0, ${seqDigits}) == 'D' .. ARGV[3] then redis.call('DEL', KEYS[1]) end
return bury(KEYS[1], ARGV[2], ARGV[3], ARGV[4])`

/** ARGV namespace, token, key, seq, error: of a key that belongs to another node now. */
export const journalBuryHereScript = `${effects}
${names}
${clock}
${isOurs}
${makeRoom}
${bury}
return bury(ARGV[3], ARGV[2], ARGV[4], ARGV[5])`

/** ARGV namespace, keys. */
export const journalHastenScript = `${effects}
${names}
${clock}
${makeRoom}
for i = 2, #ARGV do
  local score = redis.call('ZSCORE', dirty, ARGV[i])
  if score and tonumber(score) > now and tonumber(score) % 1 == 0 then redis.call('ZADD', dirty, now, ARGV[i]) end
end
return 1`

/** ARGV namespace, keys. Of each its seq, or nothing. */
export const journalSeqsScript = `${names}
local out = {}
for i = 2, #ARGV do
  local record = redis.call('HGET', journal, ARGV[i])
  out[i - 1] = record and string.sub(record, 1, ${seqDigits}) or ''
end
return out`
