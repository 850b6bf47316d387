import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import { parseDurationMs } from '../../src/workload/duration.js'
import { traceOperations } from '../../src/workload/request-source.js'
import { createSource, type SourceSpec } from '../../src/workload/requests.js'

function drain(spec: SourceSpec, part: { index: number; count: number }, keyCount = 100): number[] {
  const source = createSource(spec, { operations: traceOperations, keyCount, random: createRandom(1), part })
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
        for (const spec of [
          { kind: 'every-key', op: 1 } as const,
          { kind: 'trace', trace, valueBytes: 1, ttlSeconds: 0 } as const,
        ]) {
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
