/** The value that a gate asks of a run, or why the run does not have it. */
import { errorRate, hitRatio, type MeasuredRun, perSec, scheduleOf } from './bench-measures.js'
import { lookupQuantileMs } from './cache-counts.js'
import type { Metric } from './gate-metric.js'
import type { GateScope } from './gate-parse.js'
import { quantileUnits, summarize, unitsPerMs } from './latency-histogram.js'
import type { RunCounts } from './run-counts.js'
import { evictedIn, type PartScope, partOf, type RunPart, totalOf } from './run-part.js'

/** `missing`: why the run has no such value. */
export type Measured = { readonly value: number } | { readonly missing: string }

export function measuredValue(run: MeasuredRun, metric: Metric, scope: GateScope): Measured {
  const resolved = resolveScope(run.counts, scope)
  if ('missing' in resolved) return resolved
  const part = partOf(run.counts, resolved.part)
  switch (metric.kind) {
    case 'quantile':
    case 'time':
      return timeOf(scope.service ? part.service : part.latency, metric)
    case 'rate':
    case 'share':
      return metric.name === 'offered' || metric.name === 'achieved'
        ? scheduleValue(run, metric.name, resolved.part)
        : flowOf(part, metric.name)
    case 'count':
      return countOf(run, part, resolved.part, metric.name)
    case 'cache-share':
    case 'cache-count':
    case 'lookup':
      return cacheValue(run, metric, resolved.part)
    default:
      return metric satisfies never
  }
}

/** Names to indexes. */
function resolveScope(counts: RunCounts, scope: GateScope): { part: PartScope } | { missing: string } {
  const names = [
    ['phase', scope.phase, counts.phases.map(({ name }) => name)],
    ['node', scope.node, counts.nodeIds],
    ['op', scope.operation, counts.operationNames],
  ] as const
  const part: { -readonly [K in keyof PartScope]: number } = {}
  for (const [field, name, known] of names) {
    if (name === undefined) continue
    const index = known.indexOf(name)
    if (index < 0) {
      const kind = field === 'op' ? 'operation' : field
      return { missing: `the run has no ${kind} ${name}; it has ${known.join(', ')}` }
    }
    part[field] = index
  }
  return { part }
}

function timeOf(
  histogram: ArrayLike<number>,
  metric: Extract<Metric, { kind: 'quantile' | 'time' }>,
): Measured {
  const total = totalOf(histogram)
  if (total === 0) return { missing: 'nothing was answered there' }
  if (metric.kind === 'quantile')
    return { value: quantileUnits(histogram, total, metric.quantile) / unitsPerMs }
  const { maxMs, meanMs } = summarize(histogram)
  return { value: metric.name === 'max' ? maxMs : meanMs }
}

const byOperation = 'outcomes were counted by node and phase, not by operation'

function flowOf(part: RunPart, name: 'throughput' | 'hit_ratio' | 'error_rate'): Measured {
  if (name === 'throughput') return { value: perSec(totalOf(part.service), part.seconds) }
  if (!part.outcomes) return { missing: byOperation }
  const { hits, misses, errors } = part.outcomes
  if (name === 'error_rate') return { value: errorRate(errors, totalOf(part.service)) }
  const ratio = hitRatio(hits, misses)
  return ratio === null ? { missing: 'nothing was read there' } : { value: ratio }
}

function scheduleValue({ counts }: MeasuredRun, name: 'offered' | 'achieved', part: PartScope): Measured {
  if (part.node !== undefined || part.op !== undefined)
    return { missing: 'a schedule belongs to a run or a phase, not to a node or an operation' }
  const phases = part.phase === undefined ? counts.phases : [counts.phases[part.phase]!]
  const { offeredPerSec, achievedShare } = scheduleOf(counts.mode, phases)
  const value = name === 'offered' ? offeredPerSec : achievedShare
  return value === null ? { missing: 'a closed loop has no schedule; --rate gives it one' } : { value }
}

function countOf(
  { counts, measures }: MeasuredRun,
  part: RunPart,
  scope: PartScope,
  name: Extract<Metric, { kind: 'count' }>['name'],
): Measured {
  const isWhole = Object.keys(scope).length === 0
  switch (name) {
    case 'count':
      return { value: totalOf(part.latency) }
    case 'errors':
      if (isWhole) return { value: measures.errors }
      return part.outcomes ? { value: part.outcomes.errors } : { missing: byOperation }
    case 'evicted': {
      const evicted = scope.op === undefined ? evictedIn(counts, scope) : null
      return evicted === null
        ? { missing: 'no node said how many keys it evicted there' }
        : { value: evicted }
    }
    case 'moved':
      return isWhole
        ? { value: measures.moved }
        : { missing: 'kinds of errors are counted for the whole run' }
    case 'wrong':
    case 'stale':
      if (!isWhole) return { missing: 'verified values are counted for the whole run' }
      if (name === 'stale' && measures.cache) return { value: measures.cache.staleReads.count }
      return measures.verified
        ? { value: measures.verified[name] }
        : { missing: 'values were not verified; --verify does' }
    default:
      return name satisfies never
  }
}

function cacheValue(
  { counts, measures }: MeasuredRun,
  metric: Extract<Metric, { kind: 'cache-share' | 'cache-count' | 'lookup' }>,
  scope: PartScope,
): Measured {
  const { cache, source } = measures
  if (Object.keys(scope).length > 0) return { missing: 'what the cache did is counted for the whole run' }
  if (!cache || !counts.cache)
    return { missing: 'the run did not go through the cache library; --strategy does' }
  if (metric.kind === 'lookup') {
    const value = lookupQuantileMs(counts.cache, metric.quantile)
    return value === undefined ? { missing: 'nothing was looked up at L2' } : { value }
  }
  const value = {
    l1_hit_ratio: cache.l1HitRatio,
    l2_hit_ratio: cache.l2HitRatio,
    no_wait_ratio: cache.noWaitRatio,
    loads_per_miss: source?.loadsPerMiss ?? null,
    loads: cache.loads,
    duplicate_loads: source?.duplicateLoads ?? null,
    late_stale: cache.staleReads.late,
    detours: cache.detours,
    waits: cache.waits,
  }[metric.name]
  return value === null ? { missing: 'nothing was read, or nothing missed' } : { value }
}
