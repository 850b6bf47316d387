import assert from 'node:assert/strict'
import fc from 'fast-check'
import { printable } from '../src/printable.js'

/** Every character that could move the cursor, hide or reorder text. */
const dangerous = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u

function bytesOf(text: string): Buffer {
  const named: Record<string, string> = { '\\': '\\', n: '\n', r: '\r', t: '\t', 0: '\0' }
  const parts = [...text.matchAll(/\\x([0-9a-f]{2})|\\u\{([0-9a-f]+)\}|\\([\\nrt0])|([^\\])/gu)]
  return Buffer.concat(
    parts.map(([, byte, code, name, plain]) => {
      if (byte !== undefined) return Buffer.from([Number.parseInt(byte, 16)])
      if (code !== undefined) return Buffer.from(String.fromCodePoint(Number.parseInt(code, 16)))
      return Buffer.from(name === undefined ? plain! : named[name]!)
    }),
  )
}

describe('printable', () => {
  it('lets nothing through that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' })), (text) => {
        assert.doesNotMatch(printable(text), dangerous)
      }),
    )
  })

  it('can be undone: no two keys look alike', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        assert.deepEqual(bytesOf(printable(bytes)), Buffer.from(bytes))
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = Buffer.from(text)
        assert.deepEqual(bytesOf(printable(bytes)), bytes)
      }),
    )
  })

  it('leaves ordinary text as it is', () => {
    for (const text of ['user:42', 'Grüße', '鍵', '🔑', 'a b']) {
      assert.equal(printable(text), text)
      assert.equal(printable(Buffer.from(text)), text)
    }
  })

  it('shows what is not UTF-8, byte by byte', () => {
    assert.equal(printable(Buffer.from([0x61, 0xff, 0xc3, 0x28])), 'a\\xff\\xc3(')
    assert.equal(printable(Buffer.from([0xed, 0xa0, 0x80])), '\\xed\\xa0\\x80')
    assert.equal(printable('\ud800'), '\\u{d800}')
  })

  it('cuts long text, never inside an escape', () => {
    assert.equal(printable('\x1b\x1b\x1b', 2), '\\u{1b}\\u{1b}…')
    assert.equal(printable('ab', 2), 'ab')
  })
})
