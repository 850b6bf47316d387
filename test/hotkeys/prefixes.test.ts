import assert from 'node:assert/strict'
import fc from 'fast-check'
import { hotPrefixes, prefixesOf } from '../../src/hotkeys/prefixes.js'
import { keyNames } from '../../src/hotkeys/redaction.js'
import { Tally } from '../../src/hotkeys/tally.js'

function tallyOf(counts: Readonly<Record<string, number>>): Tally {
  const tally = new Tally('n1')
  const commands = Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, () => ({ command: 'get', keys: [name], bytes: 1, client: '' })),
  )
  tally.add({ node: 'n1', atMs: 0, commands })
  return tally
}

const weightOf = () => 1
const many = (prefix: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, key) => [`${prefix}${key}`, 1]))

describe('hot prefixes', () => {
  it('are the deepest ones, without those that their parts explain', () => {
    const tally = tallyOf({ ...many('shop:user:', 60), ...many('shop:cart/', 30), ...many('x', 10) })
    const found = hotPrefixes([tally], { threshold: 0.1, weightOf, hotKeys: new Map() })
    const round = (share: number) => Math.round(share * 1e9) / 1e9
    const rounded = found.map((each) => ({
      ...each,
      share: round(each.share),
      ownShare: round(each.ownShare),
    }))
    assert.deepEqual(rounded, [
      { prefix: 'shop:user:', share: 0.6, ownShare: 0.6, keyCount: 60 },
      { prefix: 'shop:cart/', share: 0.3, ownShare: 0.3, keyCount: 30 },
    ])
  })

  it('are none where one key explains them', () => {
    const tally = tallyOf({ 'user:1': 60, ...many('user:x', 5), ...many('y', 35) })
    const hotKeys = new Map([['user:1', 0.6]])
    assert.deepEqual(hotPrefixes([tally], { threshold: 0.1, weightOf, hotKeys }), [])
  })

  it('begin their names and end with a delimiter, and claim no more than there is', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', ':', '/', '-'), minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 60 }), (names) => {
        for (const each of names)
          for (const prefix of prefixesOf(each)) assert.ok(each.startsWith(prefix) && /[:/-]$/.test(prefix))
        const counts: Record<string, number> = {}
        for (const each of names) counts[each] = (counts[each] ?? 0) + 1
        const found = hotPrefixes([tallyOf(counts)], { threshold: 0.05, weightOf, hotKeys: new Map() })
        const own = found.reduce((sum, { ownShare }) => sum + ownShare, 0)
        assert.ok(own <= 1 + 1e-9, `${own}`)
      }),
    )
  })
})

describe('redacted names', () => {
  const secret = Buffer.from('secret')
  it('show the key, its prefix or neither, and tell keys apart', () => {
    assert.deepEqual(keyNames(undefined, secret).key('a:\n'), { key: 'a:\\n', keyBase64: 'YToK' })
    const { key } = keyNames('prefix', secret).key('user:42')
    assert.match(key, /^user:#[0-9a-f]{12}$/)
    assert.notEqual(keyNames('prefix', secret).key('user:43').key, key)
    assert.deepEqual(keyNames('prefix', secret).prefix('user:'), { key: 'user:', keyBase64: 'dXNlcjo=' })
    assert.match(keyNames('hash', secret).key('user:42').key, /^#[0-9a-f]{12}$/)
    assert.match(keyNames('hash', secret).prefix('user:').key, /^#[0-9a-f]{12}$/)
    assert.notEqual(
      keyNames('hash', Buffer.from('other')).key('a').key,
      keyNames('hash', secret).key('a').key,
    )
  })
})
