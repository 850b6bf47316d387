import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  parseRedisHotkeys,
  parseValkeyHotkeys,
  parseValkeyWindow,
  sampleRatio,
} from '../../src/hotkeys/native-replies.js'
import { type Reply, ReplyParser } from '../../src/redis/resp.js'
import { redisGet, valkeyGet } from '../support/native-hotkeys.js'
import { anyReply } from '../support/resp-bytes.js'

function parsed(raw: string): Reply {
  const replies: Reply[] = []
  new ReplyParser((reply) => replies.push(reply)).feed(Buffer.from(raw, 'latin1'))
  assert.equal(replies.length, 1)
  return replies[0]!
}

describe('what Redis says of its hot keys', () => {
  it('is read with the shares of the totals beside it', () => {
    const session = parseRedisHotkeys(parsed(redisGet()))
    assert.deepEqual(session, {
      ...{ isActive: false, sampleRatio: 1, startedMs: 1_764_313_200_123, durationMs: 2_000 },
      ...{ totalMicros: 1_000_000, totalBytes: 4_000_000 },
      byMicros: [
        { name: 'hot\r\n\x00\xff', weight: 40_000, share: 0.04 },
        { name: 'warm', weight: 10_000, share: 0.01 },
      ],
      byBytes: [{ name: 'large', weight: 200_000, share: 0.05 }],
    })
  })

  it('is multiplied back where only one in so many commands was counted', () => {
    const session = parseRedisHotkeys(parsed(redisGet({ ratio: 10 })))
    assert.deepEqual(session?.byMicros[0], { name: 'hot\r\n\x00\xff', weight: 400_000, share: 0.4 })
    assert.deepEqual(session?.byBytes[0], { name: 'large', weight: 2_000_000, share: 0.5 })
  })

  it('is read without the array around it, and as a map of RESP3', () => {
    const bare = redisGet({ active: 1 }).replace('*1\r\n', '')
    assert.equal(parseRedisHotkeys(parsed(bare))?.isActive, true)
    const map = redisGet().replace('*1\r\n*24\r\n', '*1\r\n%12\r\n')
    assert.equal(parseRedisHotkeys(parsed(map))?.byMicros.length, 2)
  })

  it('is nothing where it is something else', () => {
    fc.assert(fc.property(anyReply, (reply) => parseRedisHotkeys(reply) === undefined))
    assert.equal(parseRedisHotkeys(parsed(valkeyGet([{ key: 'a', db: 0, qps: 5 }]))), undefined)
  })

  it('needs no more than 200,000 samples', () => {
    assert.equal(sampleRatio(50_000, 2_000), 1)
    assert.equal(sampleRatio(100_000, 20_000), 10)
    assert.equal(sampleRatio(0, 20_000), 1)
  })
})

describe('what Valkey says of its hot keys', () => {
  it('is read key by key', () => {
    const reply = valkeyGet([
      { key: 'a b\xff', db: 0, qps: 9_000 },
      { key: '', db: 3, qps: 0 },
    ])
    assert.deepEqual(parseValkeyHotkeys(parsed(reply)), [
      { name: 'a b\xff', db: 0, opsPerSec: 9_000 },
      { name: '', db: 3, opsPerSec: 0 },
    ])
    assert.deepEqual(parseValkeyHotkeys(parsed('*0\r\n')), [])
  })

  it('is nothing where it is something else', () => {
    assert.equal(parseValkeyHotkeys(parsed(redisGet())), undefined)
    fc.assert(
      fc.property(anyReply, (reply) => {
        const keys = parseValkeyHotkeys(reply)
        return keys === undefined || keys.length === 0
      }),
    )
  })

  it('tells how much was seen', () => {
    const info = '# Hotkeys\r\nhotkeys_last_window_samples:512\r\nhotkeys_last_window_duration_ms:1003\r\n'
    assert.deepEqual(parseValkeyWindow(info), { samples: 512, durationMs: 1_003 })
    assert.equal(parseValkeyWindow('# Hotkeys\r\n'), undefined)
  })
})
