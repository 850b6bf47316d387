import assert from 'node:assert/strict'
import { createRandom } from '../../src/random.js'
import { createTtlDraw, formatTtl, parseTtl } from '../../src/workload/ttl-mix.js'

describe('TTLs', () => {
  it('are read from text and written back', () => {
    assert.deepEqual(parseTtl('0'), { parts: [], jitter: 0 })
    assert.deepEqual(parseTtl('60').parts, [{ seconds: 60, weight: 1 }])
    assert.deepEqual(parseTtl('1.8h').parts, [{ seconds: 6_480, weight: 1 }])
    assert.deepEqual(parseTtl('60s:0.39, 300s:0.24,1d:.37', 0.1), {
      parts: [
        { seconds: 60, weight: 0.39 },
        { seconds: 300, weight: 0.24 },
        { seconds: 86_400, weight: 0.37 },
      ],
      jitter: 0.1,
    })
    for (const text of ['0', '1m', '61s', '2h', '14d', '1m:0.4,0:0.6'])
      assert.equal(formatTtl(parseTtl(text)), text)
  })

  it('are refused with what was expected', () => {
    for (const text of ['', '-1', '5ms', '0.2s', '1h,2h', '1h:0', '1h:x', '9999999d', '1w'])
      assert.throws(() => parseTtl(text), { exitCode: 2, message: /^ttl .*expected/ }, text)
    assert.throws(() => parseTtl('60', 1), { exitCode: 2, message: /jitter 1/ })
  })

  it('are drawn by weight, spread by the jitter, whole and at least a second', () => {
    const draw = createTtlDraw(parseTtl('100s:3,0:1', 0.2), createRandom(4))
    const drawn = Array.from({ length: 20_000 }, draw)
    const expiring = drawn.filter((seconds) => seconds > 0)
    assert.ok(Math.abs(expiring.length / 20_000 - 0.75) < 0.02)
    assert.deepEqual([Math.min(...expiring), Math.max(...expiring)], [80, 120])
    assert.ok(Math.abs(expiring.reduce((sum, each) => sum + each, 0) / expiring.length - 100) < 1)
    assert.ok(drawn.every(Number.isInteger))
    const short = createTtlDraw(parseTtl('1s', 0.9), createRandom(4))
    assert.ok(Array.from({ length: 100 }, short).every((seconds) => seconds >= 1))
  })

  it('of none and of one are no draw', () => {
    const random = {
      ...createRandom(1),
      uint32: () => assert.fail('a draw'),
      next: () => assert.fail('a draw'),
    }
    assert.equal(createTtlDraw(parseTtl('0'), random)(), 0)
    assert.equal(createTtlDraw(parseTtl('5s'), random)(), 5)
  })
})
