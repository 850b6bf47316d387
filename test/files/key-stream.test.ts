import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readKeys } from '../../src/files/key-stream.js'

/** The bytes as a stream, cut at the given places. */
async function* cutAt(bytes: Buffer, places: readonly number[]): AsyncGenerator<Buffer> {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const to of [...cuts, bytes.length]) {
    yield bytes.subarray(from, to)
    from = to
  }
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const keys: Buffer[] = []
  for await (const key of stream) keys.push(Buffer.from(key))
  return keys
}

describe('keys from a stream', () => {
  for (const [separator, end] of [
    ['line', 10],
    ['nul', 0],
  ] as const) {
    it(`separated by ${separator}: the same keys however the stream is cut`, async () => {
      const key = fc
        .uint8Array({ maxLength: 8 })
        .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== end)))
      await fc.assert(
        fc.asyncProperty(
          fc.array(key),
          fc.array(fc.nat({ max: 100 }), { maxLength: 5 }),
          async (keys, places) => {
            const bytes = Buffer.concat(keys.flatMap((each) => [each, Buffer.from([end])]))
            assert.deepEqual(await collect(readKeys(cutAt(bytes, places), separator)), keys)
          },
        ),
      )
    })
  }

  it('need no separator after the last', async () => {
    assert.deepEqual((await collect(readKeys(cutAt(Buffer.from('a\nb'), []), 'line'))).map(String), [
      'a',
      'b',
    ])
  })
})
