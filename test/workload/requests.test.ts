import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { parseDurationMs } from '../../src/workload/duration.js'
import { traceOperations } from '../../src/workload/request-source.js'
import { createSource, type SourceSpec } from '../../src/workload/requests.js'

function sourceOf(spec: SourceSpec, part = { index: 0, count: 1 }, keyCount = 100) {
  return createSource(spec, { operations: traceOperations, keyCount, random: createRandom(1), part })
}

function drain(...of: Parameters<typeof sourceOf>): number[] {
  const source = sourceOf(...of)
  const keys: number[] = []
  while (source.next()) keys.push(source.key)
  return keys
}

function traceOf(keyCount: number) {
  return {
    keys: Uint32Array.from({ length: keyCount }, (_, index) => index),
    ops: new Uint8Array(keyCount),
    valueBytes: Uint32Array.from({ length: keyCount }, (_, index) => (index % 2) * 50),
    ttlSeconds: Uint32Array.from({ length: keyCount }, (_, index) => (index % 2) * 60),
    atMs: Float64Array.from({ length: keyCount }, (_, index) => index * 10),
  }
}

describe('request sources', () => {
  it('that end are divided among threads, each request once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat({ max: 200 }), (count, keyCount) => {
        const trace = traceOf(keyCount)
        for (const spec of [
          { kind: 'every-key', op: 1 },
          { kind: 'trace', trace, valueBytes: 1, ttlSeconds: 0 },
        ] as const) {
          const all = Array.from({ length: count }, (_, index) =>
            drain(spec, { index, count }, keyCount),
          ).flat()
          assert.deepEqual(
            all.sort((a, b) => a - b),
            [...trace.keys],
          )
        }
      }),
    )
  })

  it('of a trace say its times, and take size and TTL from outside where the trace has none', () => {
    const source = sourceOf({ kind: 'trace', trace: traceOf(2), valueBytes: 7, ttlSeconds: 9 })
    const seen: number[][] = []
    while (source.next()) seen.push([source.key, source.valueBytes, source.ttlSeconds, source.atMs])
    assert.deepEqual(seen, [
      [0, 7, 9, 0],
      [1, 50, 60, 10],
    ])
  })

  it('of a fill write sizes and TTLs as the mix draws them', () => {
    const source = sourceOf({
      kind: 'every-key',
      op: 1,
      from: {
        kind: 'mix',
        distribution: { kind: 'uniform' },
        values: { kind: 'uniform', min: 5, max: 6 },
        ttl: { parts: [{ seconds: 30, weight: 1 }], jitter: 0 },
      },
    })
    const sizes = new Set<number>()
    while (source.next()) {
      sizes.add(source.valueBytes)
      assert.deepEqual([source.op, source.ttlSeconds], [1, 30])
    }
    assert.deepEqual([...sizes].sort(), [5, 6])
  })
})

describe('durations', () => {
  it('are numbers with a unit', () => {
    assert.deepEqual(
      ['500ms', '1.5s', '2m', '1h'].map((text) => parseDurationMs(text, '--x')),
      [500, 1_500, 120_000, 3_600_000],
    )
    for (const text of ['', '5', 's', '-1s', '1d', '1 s']) {
      assert.throws(() => parseDurationMs(text, '--x'), { exitCode: 2, message: /^--x / }, text)
    }
  })
})
