/**
 * A simulated database behind the cache: each miss loads from it, so many at a time, and the others queue. Loads are not
 * coalesced, as in an application without single-flight, so that a stampede shows.
 */
import type { Clock } from '../../clock.js'
import { histogramLength, slotOf, unitsPerMs } from '../../measure/latency-histogram.js'
import type { Random } from '../../random.js'
import { createAmountDraw } from '../../workload/size-distribution.js'
import type { SourceOfTruthSpec, SourceWork } from '../../workload/workload.js'
import { type LoadMemory, source } from './memory.js'

export interface SourceOfTruth {
  /** Loads that were asked for and have not come back. */
  readonly underWay: number
  /** `counts`: false during the warm-up. `begin`: the load has its place, and sees what is there now. */
  load(key: number, counts: boolean, done: (error?: unknown) => void, begin?: () => void): void
  /** Takes a place and as long as a load, and is counted nowhere. */
  write(key: number, done: (error?: unknown) => void): void
}

export function createSourceOfTruth(
  spec: SourceOfTruthSpec,
  options: { random: Random; threads: number; memory: LoadMemory; clock: Clock; work?: SourceWork },
): SourceOfTruth {
  const { clock, memory } = options
  const capacity =
    spec.capacity === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.round(spec.capacity / options.threads))
  const drawMs = createAmountDraw(spec.latencyMs, options.random)
  const work: SourceWork = options.work ?? ((_, done) => setTimeout(() => done(), drawMs()))
  const loading = new Map<number, number>()
  const queue: (() => void)[] = []
  let head = 0
  let busy = 0
  let underWay = 0

  const next = () => {
    if (head === queue.length) return
    const start = queue[head++]!
    if (head > 1024 && head * 2 > queue.length) {
      queue.splice(0, head)
      head = 0
    }
    start()
  }
  return {
    get underWay() {
      return underWay
    },
    write(key, done) {
      underWay += 1
      const start = () => {
        busy += 1
        work({ kind: 'write', key }, (error) => {
          busy -= 1
          underWay -= 1
          done(error)
          next()
        })
      }
      if (busy < capacity) start()
      else queue.push(start)
    },
    load(key, counts, done, begin) {
      const askedMs = clock.nowMs()
      const others = loading.get(key) ?? 0
      loading.set(key, others + 1)
      underWay += 1
      if (counts) {
        memory.source[source.loads]! += 1
        if (others > 0) memory.source[source.duplicates]! += 1
        if (underWay > memory.source[source.mostUnderWay]!) memory.source[source.mostUnderWay] = underWay
      }
      const start = () => {
        busy += 1
        begin?.()
        const startedMs = clock.nowMs()
        work({ kind: 'load', key }, (error) => {
          busy -= 1
          underWay -= 1
          const left = loading.get(key)! - 1
          if (left === 0) loading.delete(key)
          else loading.set(key, left)
          if (counts) {
            memory.sourceLatencies[slotOf((startedMs - askedMs) * unitsPerMs)]! += 1
            memory.sourceLatencies[histogramLength + slotOf((clock.nowMs() - askedMs) * unitsPerMs)]! += 1
          }
          done(error)
          next()
        })
      }
      if (busy < capacity) start()
      else queue.push(start)
    },
  }
}
