/** The same requests against an exact in-process LRU instead of servers: what a cache of that size could reach. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.js'
import { histogramLength, slotOf, unitsPerMs } from '../measure/latency-histogram.js'
import type { RunCounts } from '../measure/run-counts.js'
import { blankSeries } from '../measure/series.js'
import { createRandom } from '../random.js'
import { createSource } from '../workload/requests.js'
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
export async function simulateCache(request: LoadRequest, options: SimulationOptions): Promise<RunCounts> {
  const { clock, keyCount, signal } = options
  const cache = new LRUCache<number, true>({ max: options.capacity })
  const source = createSource(request.source, {
    operations: request.operations,
    keyCount,
    random: createRandom(request.seed),
    part: { index: 0, count: 1 },
  })
  const { operations } = request
  const { durationMs, name } = request.phases[0]!
  const histograms = operations.map(() => new Float64Array(histogramLength))
  let hits = 0
  let misses = 0
  let done = 0
  const startedMs = clock.nowMs()
  let nowMs = startedMs
  while ((request.requestLimit === 0 || done < request.requestLimit) && source.next()) {
    const { kind } = operations[source.op]!
    if (kind === 'read') {
      if (cache.get(source.key)) hits += 1
      else {
        misses += 1
        cache.set(source.key, true)
      }
    } else if (kind === 'remove') cache.delete(source.key)
    else cache.set(source.key, true)
    const endedMs = clock.nowMs()
    histograms[source.op]![slotOf((endedMs - nowMs) * unitsPerMs)]! += 1
    nowMs = endedMs
    done += 1
    if (done % yieldEvery === 0) {
      await clock.sleep(0)
      if (signal.aborted || (durationMs > 0 && nowMs - startedMs >= durationMs)) break
      nowMs = clock.nowMs()
    }
  }
  const seconds = (nowMs - startedMs) / 1000
  const phase = { name, seconds, offered: 0, unsent: 0, unanswered: 0, late: 0, heldBackSeconds: 0 }
  return {
    mode: 'closed',
    nodeIds: ['lru'],
    operationNames: operations.map((operation) => operation.name),
    phases: [phase],
    cells: histograms.map((service, op) => ({ phase: 0, node: 0, op, service })),
    outcomes: [{ phase: 0, node: 0, hits, misses, errors: 0 }],
    errorKinds: {},
    generator: { threadCpuShares: [], hostNoise: { p999Ms: 0, maxMs: 0 } },
    warmup: { seconds: 0, answered: 0 },
    series: blankSeries(),
  }
}
