/** What a run measured, folded from raw counts: per operation, per node, over all. */
import { histogramLength, type LatencySummary, mergeCounts, summarize } from './latency-histogram.js'

export type OperationMeasures = LatencySummary

export interface NodeMeasures extends LatencySummary {
  readonly hits: number
  readonly misses: number
  /** null where nothing was read. */
  readonly hitRatio: number | null
  readonly errors: number
}

export interface BenchMeasures {
  readonly seconds: number
  /** Answered requests a second, fills among them. */
  readonly throughputPerSec: number
  readonly hits: number
  readonly misses: number
  readonly hitRatio: number | null
  readonly errors: number
  readonly errorKinds: Readonly<Record<string, number>>
  readonly overall: LatencySummary
  readonly operations: Readonly<Record<string, OperationMeasures>>
  readonly nodes: Readonly<Record<string, NodeMeasures>>
}

/** Raw counts of all threads together. */
export interface RawCounts {
  readonly seconds: number
  readonly nodeIds: readonly string[]
  readonly operationNames: readonly string[]
  /** [node][operation] → counts a slot. */
  readonly histograms: readonly (readonly ArrayLike<number>[])[]
  readonly hits: readonly number[]
  readonly misses: readonly number[]
  readonly nodeErrors: readonly number[]
  readonly errorKinds: Readonly<Record<string, number>>
}

export function foldMeasures(raw: RawCounts): BenchMeasures {
  const merge = (parts: readonly ArrayLike<number>[]) => {
    const merged = new Float64Array(histogramLength)
    for (const part of parts) mergeCounts(merged, part)
    return summarize(merged)
  }
  const overall = merge(raw.histograms.flat())
  const operations: Record<string, OperationMeasures> = {}
  raw.operationNames.forEach((name, op) => {
    const summary = merge(raw.histograms.map((node) => node[op]!))
    if (summary.count > 0) operations[name] = summary
  })
  const nodes: Record<string, NodeMeasures> = {}
  raw.nodeIds.forEach((id, node) => {
    const [hits, misses] = [raw.hits[node]!, raw.misses[node]!]
    nodes[id] = {
      ...merge(raw.histograms[node]!),
      hits,
      misses,
      hitRatio: ratio(hits, misses),
      errors: raw.nodeErrors[node]!,
    }
  })
  const [hits, misses] = [sum(raw.hits), sum(raw.misses)]
  return {
    seconds: raw.seconds,
    throughputPerSec: raw.seconds > 0 ? overall.count / raw.seconds : 0,
    hits,
    misses,
    hitRatio: ratio(hits, misses),
    errors: sum(Object.values(raw.errorKinds)),
    errorKinds: raw.errorKinds,
    overall,
    operations,
    nodes,
  }
}

function ratio(hits: number, misses: number): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
