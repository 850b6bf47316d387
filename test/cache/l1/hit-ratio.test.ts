/**
 * Hit ratios of real traces beside reference figures to four digits: those of LRU computed by two independent programs,
 * those of S3-FIFO by its authors' simulator. Every request is a read, and a miss inserts.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createL1, type L1Policy } from '../../../src/cache/l1/l1.js'
import { readTrace } from '../../../src/files/trace-file.js'

const seed = 1
const traces = resolve('../shared/traces')
const references = [
  { name: 'cache2k-web12', maxEntries: 137, lru: 0.397, s3fifo: 0.41 },
  { name: 'cache2k-web12', maxEntries: 1_375, lru: 0.6848, s3fifo: 0.7225 },
  { name: 'cloudphysics-io', maxEntries: 489, lru: 0.162, s3fifo: 0.1696 },
  { name: 'cloudphysics-io', maxEntries: 4_897, lru: 0.1951, s3fifo: 0.2475 },
]

describe('the L1 replays real traces', () => {
  for (const { name, maxEntries, ...expected } of references) {
    it(`${name}, ${maxEntries} entries: LRU ${expected.lru}, S3-FIFO ${expected.s3fifo}`, async function () {
      const path = `${traces}/${name}.csv.gz`
      if (!existsSync(path)) {
        console.log(`      skipped: no ${path}`)
        return this.skip()
      }
      const { keys } = (await readTrace(path)).requests
      assert.equal(hitRatio(keys, maxEntries, 'lru').toFixed(4), expected.lru.toFixed(4))
      assert.equal(hitRatio(keys, maxEntries, 's3fifo').toFixed(4), expected.s3fifo.toFixed(4))
    })
  }
})

function hitRatio(keys: Uint32Array, maxEntries: number, policy: L1Policy): number {
  const l1 = createL1<number>({ maxEntries, policy, originMs: 0, seed })
  const meta = { freshUntilMs: 0, loadMs: 0, bytes: 0, vouch: { untilMs: 0 } }
  let hits = 0
  for (const key of keys) {
    const name = String(key)
    if (l1.find(name) >= 0) hits += 1
    else l1.set(name, key, meta)
  }
  return hits / keys.length
}
