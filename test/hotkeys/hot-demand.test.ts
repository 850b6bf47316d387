import assert from 'node:assert/strict'
import fc from 'fast-check'
import { maxMeetingTextBytes } from '../../src/cache/ports.js'
import { demandBetween, demandName, demandPrefix, formatHotDemand } from '../../src/hotkeys/hot-demand.js'
import { parseHotDemand } from '../../src/hotkeys/parse-hot-demand.js'

const bytes = fc.uint8Array({ maxLength: 40 }).map((key) => Buffer.from(key).toString('latin1'))
const told = (client: string, atMs: number, hits: Readonly<Record<string, number>>) => ({
  client,
  atMs,
  hits: new Map(Object.entries(hits)),
})

describe('what processes tell of hot keys', () => {
  it('is read back as it was written, whatever bytes are in the keys', () => {
    const hits = fc.array(fc.tuple(bytes, fc.nat())).map((each) => new Map(each))
    fc.assert(
      fc.property(
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        hits,
        (client, atMs, each) => {
          const read = parseHotDemand(formatHotDemand({ client, atMs, hits: each }))
          assert.ok(read)
          assert.equal(read.client, client)
          assert.deepEqual([...read.hits].sort(), [...each].sort())
        },
      ),
    )
  })

  it('fits on the board: the keys with the fewest hits are left out', () => {
    const hits = new Map(
      Array.from({ length: 1_000 }, (_, index) => [`${index}:`.padEnd(10_000, 'x'), index]),
    )
    const text = formatHotDemand({ client: 'c', atMs: 1, hits })
    assert.ok(Buffer.byteLength(text) <= maxMeetingTextBytes)
    const counts = [...parseHotDemand(text)!.hits.values()]
    assert.equal(Math.min(...counts), 1_000 - counts.length)
  })

  it('what is none of ours is none', () => {
    for (const text of ['', 'null', '{}', '{"schema":"cachectl/hot-demand/v2"}', 'garbage'])
      assert.equal(parseHotDemand(text), undefined)
  })

  it('gives reads a second by the clock of each process', () => {
    const before = [told('a', 1_000, { hot: 100, cold: 5 }), told('b', 70_000, { hot: 10 })]
    const after = [told('a', 3_000, { hot: 300, cold: 5 }), told('b', 71_000, { hot: 20, new: 7 })]
    assert.deepEqual([...demandBetween(before, after)].sort(), [
      ['hot', 110],
      ['new', 7],
    ])
  })

  it('one that was not heard of before, stands still or began anew tells nothing yet', () => {
    const before = [told('a', 5_000, { hot: 100 }), told('b', 5_000, { hot: 100 })]
    const after = [told('a', 5_000, { hot: 100 }), told('b', 100, { hot: 300 }), told('c', 9_000, { hot: 9 })]
    assert.deepEqual(demandBetween(before, after), new Map())
  })

  it('rings on one board do not hear of each other', () => {
    assert.ok(!demandName('a/b', 'c').startsWith(demandPrefix('a')))
  })
})
