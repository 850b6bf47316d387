/** A process that puts growing numbers under its keys, and says which were acknowledged, until somebody kills it. */
import { writeSync } from 'node:fs'
import { createCache } from '../../src/index.js'
import { openSource } from './behind-source.js'

export interface BehindJob {
  readonly ring: string | readonly string[]
  readonly source: string
  readonly keyCount: number
  readonly loops: number
  /** The first number; all of one process are larger than all of those before. */
  readonly start: number
  readonly delayMs: number
  readonly copies: 1 | 2
  /** A pause between the puts of a loop; 0: none. */
  readonly pauseMs: number
}

const job = JSON.parse(process.argv[2]!) as BehindJob
const source = await openSource(job.source)
const cache = createCache<number>({
  ...{ ring: job.ring, ttl: '10m', namespace: 'behind', l1: false },
  ...{ load: source.load, write: source.write },
  behind: { delay: job.delayMs, copies: job.copies },
})
let next = job.start
await Promise.all(
  Array.from({ length: job.loops }, async (_, loop) => {
    for (let round = 0; ; round++) {
      const key = `k${loop + job.loops * (round % Math.ceil(job.keyCount / job.loops))}`
      const value = next++
      try {
        await cache.set(key, value)
        writeSync(1, `${key} ${value}\n`)
      } catch {
        // not acknowledged
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      if (job.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, job.pauseMs))
    }
  }),
)
