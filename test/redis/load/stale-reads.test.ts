/** Reads judged by writes that were acknowledged before they began, wherever. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { summarize } from '../../../src/measure/latency-histogram.js'
import { StaleReads } from '../../../src/redis/load/strategy/stale-reads.js'

const ours = { others: 2, own: 0, hasSourceOrder: true }

function staleOf(reads: StaleReads) {
  const { count, maxMs } = summarize(reads.ages)
  return { count, maxMs }
}

describe('stale reads', () => {
  it('are older than a write that was acknowledged before they began, and have its age', () => {
    const reads = new StaleReads(ours)
    reads.acknowledged(Float64Array.of(7, 1, 90, 100))
    reads.read(7, 0, 100.5)
    reads.read(7, 0, 99)
    reads.read(7, 1, 103)
    reads.read(8, 0, 103)
    reads.through(1, 200)
    reads.judge()
    assert.deepEqual(staleOf(reads), { count: 1, maxMs: 0.5023 })
  })

  it('wait for the acknowledgements of other processes', () => {
    const reads = new StaleReads(ours)
    reads.read(7, 0, 150)
    reads.through(1, 149)
    reads.judge()
    reads.acknowledged(Float64Array.of(7, 1, 90, 100))
    reads.through(1, 160)
    reads.judge()
    assert.equal(staleOf(reads).count, 1)
  })

  it('are none among writes that overlapped, where nobody knows their order', () => {
    const reads = new StaleReads({ ...ours, hasSourceOrder: false })
    reads.acknowledged(Float64Array.of(7, 1, 90, 100, 7, 2, 95, 105, 7, 3, 110, 120))
    for (const [version, startMs] of [
      [1, 108],
      [2, 108],
      [1, 125],
    ] as const)
      reads.read(7, version, startMs)
    reads.through(1, Number.POSITIVE_INFINITY)
    reads.judge()
    assert.equal(staleOf(reads).count, 1)
  })

  it('agree with a judge who knows everything, however reads and acknowledgements come in between', () => {
    const write = fc.record({ key: fc.nat(2), version: fc.integer({ min: 1, max: 9 }), endMs: fc.nat(50) })
    const read = fc.record({ key: fc.nat(2), version: fc.nat(9), startMs: fc.nat(50) })
    fc.assert(
      fc.property(fc.array(write), fc.array(read), fc.nat(), (writes, looks, seed) => {
        const reads = new StaleReads(ours)
        const byTime = [...writes].sort((a, b) => a.endMs - b.endMs)
        looks.forEach(({ key, version, startMs }, index) => {
          reads.read(key, version, startMs)
          const next = (seed + index) % 3 === 0 ? byTime.shift() : undefined
          if (!next) return
          reads.acknowledged(Float64Array.of(next.key, next.version, next.endMs - 1, next.endMs))
          reads.through(1, (byTime[0]?.endMs ?? 51) - 0.5)
          reads.judge()
        })
        for (const { key, version, endMs } of byTime)
          reads.acknowledged(Float64Array.of(key, version, endMs - 1, endMs))
        reads.through(1, Number.POSITIVE_INFINITY)
        reads.judge()
        const expected = looks.filter(({ key, version, startMs }) =>
          writes.some((each) => each.key === key && each.version > version && each.endMs <= startMs),
        )
        assert.equal(staleOf(reads).count, expected.length)
      }),
    )
  })
})
