/** Any part of a run: a phase, a node, an operation, or where they meet. Every figure of a result is taken from one. */
import { histogramLength, mergeCounts } from './latency-histogram.js'
import type { RunCounts } from './run-counts.js'

/** Indexes; absent: all of them. */
export interface PartScope {
  readonly phase?: number
  readonly node?: number
  readonly op?: number
}

export interface RunPart {
  /** Response time in an open loop, service time in a closed one; counts a slot. */
  readonly latency: Float64Array
  /** From the send; in a closed loop the same as `latency`. */
  readonly service: Float64Array
  readonly seconds: number
  /** undefined: the run did not count them for a single operation. */
  readonly outcomes: PartOutcomes | undefined
}

export interface PartOutcomes {
  readonly hits: number
  readonly misses: number
  readonly errors: number
}

export function partOf(counts: RunCounts, scope: PartScope): RunPart {
  const service = new Float64Array(histogramLength)
  const response = counts.mode === 'open' ? new Float64Array(histogramLength) : undefined
  for (const cell of counts.cells) {
    if (!isWithin(cell, scope)) continue
    mergeCounts(service, cell.service)
    if (response) mergeCounts(response, cell.response ?? cell.service)
  }
  const seconds =
    scope.phase === undefined
      ? counts.phases.reduce((sum, phase) => sum + phase.seconds, 0)
      : counts.phases[scope.phase]!.seconds
  return { latency: response ?? service, service, seconds, outcomes: outcomesOf(counts, scope) }
}

function outcomesOf({ outcomes }: RunCounts, scope: PartScope): PartOutcomes | undefined {
  if (scope.op !== undefined && outcomes.some(({ op }) => op === undefined)) return undefined
  let [hits, misses, errors] = [0, 0, 0]
  for (const cell of outcomes) {
    if (!isWithin({ ...cell, op: cell.op ?? -1 }, scope)) continue
    hits += cell.hits
    misses += cell.misses
    errors += cell.errors
  }
  return { hits, misses, errors }
}

function isWithin(cell: Required<PartScope>, scope: PartScope): boolean {
  return (
    (scope.phase ?? cell.phase) === cell.phase &&
    (scope.node ?? cell.node) === cell.node &&
    (scope.op ?? cell.op) === cell.op
  )
}

/** Keys that the nodes evicted while measuring; null where no node said. */
export function evictedIn({ series, nodeIds }: RunCounts, scope: PartScope): number | null {
  let evicted: number | null = null
  nodeIds.forEach((id, node) => {
    if ((scope.node ?? node) !== node) return
    series.nodes[id]?.evicted.forEach((count, second) => {
      if (count === null || (scope.phase ?? series.phase[second]) !== series.phase[second]) return
      evicted = (evicted ?? 0) + count
    })
  })
  return evicted
}

export function totalOf(counts: ArrayLike<number>): number {
  let total = 0
  for (let slot = 0; slot < counts.length; slot++) total += counts[slot]!
  return total
}
