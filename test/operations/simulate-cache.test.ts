/** Reference hit ratios, computed by two independent programs (one of them libCacheSim), to four digits. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { readTrace, type Trace } from '../../src/files/trace-file.js'
import { simulateCache } from '../../src/operations/simulate-cache.js'
import { traceOperations } from '../../src/workload/request-source.js'

const traces = resolve('../shared/traces')
const references: [name: string, capacity: number, hitRatio: number][] = [
  ['cache2k-web12', 137, 0.397],
  ['cache2k-web12', 1_375, 0.6848],
  ['cache2k-orm-busy-500k', 330, 0.6815],
  ['cache2k-orm-busy-500k', 3_300, 0.8382],
]
const read = new Map<string, Trace>()

describe('an exact LRU replays real traces', () => {
  for (const [name, capacity, hitRatio] of references) {
    it(`${name}, ${capacity} entries: ${hitRatio}`, async function () {
      const path = `${traces}/${name}.csv.gz`
      if (!existsSync(path)) return this.skip()
      const trace = read.get(name) ?? (await readTrace(path))
      read.set(name, trace)
      const { hits, misses } = await replay(trace, capacity)
      assert.equal(hits + misses, trace.requests.keys.length)
      assert.equal((hits / (hits + misses)).toFixed(4), hitRatio.toFixed(4))
    })
  }
})

async function replay(
  { requests, names, ends }: Trace,
  capacity: number,
): Promise<{ hits: number; misses: number }> {
  const counts = await simulateCache(
    {
      topology: {
        name: 'lru',
        ring: { algorithm: 'ring', hash: 'xxh32', pointsPerWeight: 1, charSign: 'signed' },
        nodes: [],
      },
      keys: { kind: 'named', prefix: '', names, ends },
      operations: traceOperations,
      source: { kind: 'trace', trace: requests, valueBytes: 1, ttlSeconds: 0 },
      ...{ seed: 1, connections: 1, pipeline: 1, threads: 1, requestLimit: 0 },
      ...{ maxInFlight: 1, pace: 'exact', verify: false, watchNodes: false },
      warmup: { kind: 'time', ms: 0 },
      phases: [{ name: 'replay', durationMs: 0, rate: { kind: 'max' }, hotShift: 0 }],
    },
    {
      capacity,
      keyCount: ends.length,
      clock: { nowMs: () => 0, wallMs: () => 0, sleep: async () => {} },
      signal: new AbortController().signal,
    },
  )
  return { hits: counts.outcomes[0]!.hits, misses: counts.outcomes[0]!.misses }
}
