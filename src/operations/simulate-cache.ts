/** The same requests against an exact in-process LRU instead of servers: what a cache of that size could reach. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.js'
import type { RawCounts } from '../measure/bench-measures.js'
import { histogramLength, slotOf, unitsPerMs } from '../measure/latency-histogram.js'
import { createRandom } from '../random.js'
import { createSource, operation, operationNames } from '../workload/requests.js'
import type { LoadRequest } from './ports.js'

const yieldEvery = 100_000

export interface SimulationOptions {
  /** Entries; every key counts as one. */
  readonly capacity: number
  readonly keyCount: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Reads go through: a miss inserts. Ends with the trace, the request limit or the duration, whichever comes first. */
export async function simulateCache(request: LoadRequest, options: SimulationOptions): Promise<RawCounts> {
  const { clock, keyCount, signal } = options
  const cache = new LRUCache<number, true>({ max: options.capacity })
  const source = createSource(request.source, {
    keyCount,
    valueBytes: request.valueBytes,
    random: createRandom(request.seed),
    part: { index: 0, count: 1 },
  })
  const histograms = operationNames.map(() => new Float64Array(histogramLength))
  let hits = 0
  let misses = 0
  let done = 0
  const startedMs = clock.nowMs()
  let nowMs = startedMs
  while ((request.requestLimit === 0 || done < request.requestLimit) && source.next()) {
    if (source.op === operation.get) {
      if (cache.get(source.key)) hits += 1
      else {
        misses += 1
        cache.set(source.key, true)
      }
    } else if (source.op === operation.set) cache.set(source.key, true)
    else cache.delete(source.key)
    const endedMs = clock.nowMs()
    histograms[source.op]![slotOf((endedMs - nowMs) * unitsPerMs)]! += 1
    nowMs = endedMs
    done += 1
    if (done % yieldEvery === 0) {
      await clock.sleep(0)
      if (signal.aborted || (request.durationMs > 0 && nowMs - startedMs >= request.durationMs)) break
      nowMs = clock.nowMs()
    }
  }
  const seconds = (nowMs - startedMs) / 1000
  return {
    seconds,
    nodeIds: ['lru'],
    operationNames,
    histograms: [histograms],
    hits: [hits],
    misses: [misses],
    nodeErrors: [0],
    errorKinds: {},
  }
}
