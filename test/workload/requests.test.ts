import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { parseDurationMs } from '../../src/workload/duration.js'
import { createSource, operation, type SourceSpec } from '../../src/workload/requests.js'

function drain(spec: SourceSpec, part: { index: number; count: number }, keyCount = 100): number[] {
  const source = createSource(spec, { keyCount, valueBytes: 10, random: createRandom(1), part })
  const keys: number[] = []
  while (source.next()) keys.push(source.key)
  return keys
}

describe('request sources', () => {
  it('that end are divided among threads, each request once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat({ max: 200 }), (count, keyCount) => {
        const trace = {
          keys: Uint32Array.from({ length: keyCount }, (_, index) => index),
          ops: new Uint8Array(keyCount),
          valueBytes: new Uint32Array(keyCount),
          ttlSeconds: new Uint32Array(keyCount),
          atMs: new Float64Array(keyCount),
        }
        for (const spec of [{ kind: 'every-key', op: 'set' } as const, { kind: 'trace', trace } as const]) {
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

  it('mix reads and writes as asked', () => {
    for (const readRatio of [0, 0.3, 1]) {
      const source = createSource(
        { kind: 'mix', distribution: { kind: 'uniform' }, readRatio },
        { keyCount: 10, valueBytes: 1, random: createRandom(3), part: { index: 0, count: 1 } },
      )
      let reads = 0
      for (let request = 0; request < 20_000; request++) {
        source.next()
        if (source.op === operation.get) reads += 1
      }
      assert.ok(Math.abs(reads / 20_000 - readRatio) < 0.02)
    }
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
