import assert from 'node:assert/strict'
import { chooseLocal, enoughKeys } from '../../src/hotkeys/choose-local.js'
import { readShare } from '../../src/hotkeys/read-share.js'

describe("how much of a key's traffic is reading", () => {
  it('by the commands, and what is not known to read writes', () => {
    assert.equal(readShare({ get: 9, set: 1 }), 0.9)
    assert.equal(readShare({ hgetall: 3, hset: 1 }), 0.75)
    assert.equal(readShare({ 'some.module': 1 }), 0)
    assert.equal(readShare({}), 0)
  })

  it('a look of the cache library is one read, not three commands with a SET among them', () => {
    assert.equal(readShare({ pttl: 100, set: 100, getrange: 100 }), 1)
    // 90 looks and ten removals by hand
    assert.equal(readShare({ pttl: 90, set: 90, getrange: 90, del: 10 }), 0.9)
    // as many SETs of others
    assert.equal(readShare({ pttl: 100, set: 200, getrange: 100 }), 0.5)
  })
})

describe('which keys go into the memory of processes', () => {
  const key = (name: string, opsPerSec: number, more = {}) => ({
    ...{ name, opsPerSec, isCertain: true, commands: { get: 1 } },
    ...more,
  })

  it('the hottest that are certain and hardly written, with a reason for each of the others', () => {
    const candidates = [
      key('third', 10),
      key('written', 90, { commands: { get: 8, set: 2 } }),
      key('first', 100),
      key('perhaps', 80, { isCertain: false }),
      key('second', 70),
      key('large', 60, { suggestion: { action: 'shrink', reason: '1 MiB' } }),
    ]
    const { chosen, others } = chooseLocal(candidates, 2)
    assert.deepEqual(
      chosen.map(({ name }) => name),
      ['first', 'second'],
    )
    assert.deepEqual(
      others.map(({ name, reason }) => `${name}: ${reason}`),
      [
        'written: 20 % of its commands write',
        'perhaps: not certain to be hot',
        'large: suggested: shrink 1 MiB',
        'third: 2 hotter keys are enough',
      ],
    )
  })

  it('n·ln n of them are enough', () => {
    assert.deepEqual([1, 2, 8, 16].map(enoughKeys), [1, 2, 17, 45])
  })
})
