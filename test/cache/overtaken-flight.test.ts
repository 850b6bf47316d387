/** A read that found another process's lease while the key was being written. */
import assert from 'node:assert/strict'
import { TieredCache } from '../../src/cache/cache.js'
import { settingsOf } from '../../src/cache/options.js'
import type { L2Found, L2Port } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createRandom } from '../../src/random.js'

describe('a flight that was overtaken by a write', () => {
  it('still hears of the end of the lease that it waits for', async () => {
    const node = scriptedNode()
    const cache = new TieredCache<string>(settingsOf({ ttl: '1m', load: () => 'loaded here' }), {
      ...{ l2: node.l2, clock: systemClock, random: createRandom(1) },
    })
    const read = cache.get('k')
    // the write is told after the answer has come and before its reader has taken it up
    node.answer({ kind: 'busy', leftMs: 60_000, isTold: true })
    node.tell('cache:k')
    await node.asked(2)
    node.answer({ kind: 'busy', leftMs: 60_000, isTold: true })
    await new Promise((resolve) => setTimeout(resolve, 10))
    const startedMs = systemClock.nowMs()
    node.tell('cache:k')
    await node.asked(3)
    node.answer({ kind: 'leased', vouch: undefined })
    assert.equal(await read, 'loaded here')
    assert.ok(systemClock.nowMs() - startedMs < 1_000, 'it slept until the lease was over')
    await cache.close()
  })

  it('wakes its successor, which waits for the lease that it held', async () => {
    const node = scriptedNode()
    let finishLoad: (value: string) => void = () => {}
    const loading = new Promise<string>((resolve) => {
      finishLoad = resolve
    })
    const cache = new TieredCache<string>(settingsOf({ ttl: '1m', load: () => loading }), {
      ...{ l2: node.l2, clock: systemClock, random: createRandom(1) },
    })
    const first = cache.get('k')
    // of a write before: it is told in front of the answer
    node.tell('cache:k')
    node.answer({ kind: 'leased', vouch: undefined })
    const second = cache.get('k')
    await node.asked(2)
    node.answer({ kind: 'busy', leftMs: 60_000, isTold: true })
    await turns()
    finishLoad('loaded')
    assert.equal(await first, 'loaded')
    await turns()
    assert.equal(node.asks(), 3, 'it sleeps on')
    node.answer({ kind: 'leased', vouch: undefined })
    assert.equal(await second, 'loaded')
    await cache.close()
  })
})

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A node that answers what it is told to. */
function scriptedNode() {
  const answers: ((found: L2Found[]) => void)[] = []
  let asks = 0
  let tell: (key?: Buffer) => void = () => {}
  const l2: Partial<L2Port> = {
    ownerOf: () => 'n1',
    isUp: () => true,
    giveUp: () => {},
    getOrLease: () => {
      asks += 1
      return new Promise((resolve) => answers.push(resolve))
    },
    fill: async () => ({ isFilled: true, vouch: undefined }),
    listen: (prefix, onInvalidate) => {
      if (String(prefix) === 'cache:') tell = onInvalidate
      return () => {}
    },
  }
  return {
    l2: l2 as L2Port,
    answer: (found: L2Found) => answers.shift()!([found]),
    tell: (key: string) => tell(Buffer.from(key)),
    asks: () => asks,
    asked: async (count: number) => {
      for (let attempt = 0; asks < count; attempt++) {
        assert.ok(attempt < 300, `asked ${asks} times, expected ${count}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
}
