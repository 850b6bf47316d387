import assert from 'node:assert/strict'
import { createKeyPositions } from '../../src/hotkeys/key-positions.js'
import { redis7Commands } from '../../src/hotkeys/redis7-commands.js'
import { sampledFromEntry } from '../../src/hotkeys/slowlog-entries.js'

const positions = createKeyPositions(redis7Commands())
const entry = (args: readonly string[], client = '127.0.0.1:5000') =>
  sampledFromEntry({ args, client, micros: 7 }, positions)

describe('an entry of the slow log', () => {
  it('is a command with its keys', () => {
    assert.deepEqual(entry(['MSET', 'a', '1', 'b', '2', 'a', '3']), {
      sampled: { command: 'mset', keys: ['a', 'b'], bytes: 10, client: '127.0.0.1:5000', micros: 7 },
      cutKeys: 0,
    })
    assert.deepEqual(entry(['OBJECT', 'FREQ', 'k'])?.sampled.command, 'object|freq')
    assert.deepEqual(entry(['OBJECT', 'FREQ', 'k'])?.sampled.keys, ['k'])
    assert.equal(entry(['get', 'k'], '?:0')?.sampled.client, 'lua')
  })

  it('is none of a script’s call with keys, whose commands are entries too', () => {
    assert.equal(entry(['EVAL', 'return 1', '1', 'k']), undefined)
    assert.equal(entry(['EVAL', 'return 1', '0'])?.sampled.isKeyless, true)
    assert.equal(entry([]), undefined)
  })

  it('has no key that was cut short', () => {
    const longest = 'x'.repeat(128)
    assert.deepEqual(entry(['GET', longest])?.sampled.keys, [longest])
    const cut = entry(['MGET', `${longest}... (12 more bytes)`, 'k'])
    assert.deepEqual([cut?.sampled.keys, cut?.cutKeys], [['k'], 1])
    assert.equal(entry(['GET', `${longest}... (12 more bytes)`])?.sampled.isKeyless, undefined)
  })

  it('has the keys that fitted of a long command, and no text in their place', () => {
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`)
    const found = entry(['MGET', ...keys, '... (10 more arguments)'])
    assert.deepEqual([found?.sampled.keys, found?.cutKeys], [keys, 10])
    // all arguments fitted, and the last is a key of this name
    const short = entry(['MGET', 'a', '... (10 more arguments)'])
    assert.deepEqual(short?.sampled.keys, ['a', '... (10 more arguments)'])
  })
})
