/** What a run measured, folded from its counts: over all, per operation, per node, per phase. */
import type { AgentCounts } from './agents.js'
import { type CacheMeasures, foldCache } from './cache-counts.js'
import { type LatencySummary, quantileUnits, summarize, unitsPerMs } from './latency-histogram.js'
import type { GeneratorCounts, PhaseCounts, RunCounts, WarmupCounts } from './run-counts.js'
import { evictedIn, type PartScope, partOf, type RunPart, totalOf } from './run-part.js'

/** Response time (from the intended start) in an open loop, service time (from the send) in a closed one. */
export interface TimedSummary extends LatencySummary {
  /** Open loop only: the same requests from their send, as a tool that ignores the schedule would show them. */
  readonly service?: LatencySummary
}

export interface OperationMeasures extends TimedSummary {
  readonly throughputPerSec: number
}

export interface Outcomes {
  readonly hits: number
  readonly misses: number
  /** Of reads; null where nothing was read. */
  readonly hitRatio: number | null
  readonly errors: number
  /** Of all requests that were answered or failed. */
  readonly errorRate: number
}

export interface NodeMeasures extends OperationMeasures, Outcomes {
  /** Keys, while measuring; null where the node was not asked or did not say. */
  readonly evicted: number | null
  /** At the end; null as above. */
  readonly usedMemoryBytes: number | null
}

/** How well an open loop kept its schedule; in a closed loop the shares are null and the counts 0. */
export interface ScheduleMeasures {
  /** Requests that were due. */
  readonly offered: number
  readonly offeredPerSec: number | null
  /** Requests that were answered in time, error replies among them, over those that were due. */
  readonly achievedShare: number | null
  readonly unsent: number
  readonly unanswered: number
  readonly late: number
  readonly heldBackSeconds: number
}

export interface PhaseMeasures extends OperationMeasures, Outcomes, ScheduleMeasures {
  readonly name: string
  readonly seconds: number
  readonly operations: Readonly<Record<string, OperationMeasures>>
}

export interface SourceMeasures {
  readonly loads: number
  /** null where nothing missed. */
  readonly loadsPerMiss: number | null
  readonly duplicateLoads: number
  readonly maxUnderWay: number
  readonly queueing: LatencySummary
  readonly loading: LatencySummary
}

export interface BenchMeasures extends Outcomes, ScheduleMeasures {
  readonly mode: 'closed' | 'open'
  readonly seconds: number
  /** Answered requests a second, fills among them. */
  readonly throughputPerSec: number
  readonly errorKinds: Readonly<Record<string, number>>
  /** Errors that say MOVED or ASK: the node does not own the key (any more). */
  readonly moved: number
  readonly overall: TimedSummary
  readonly operations: Readonly<Record<string, OperationMeasures>>
  readonly nodes: Readonly<Record<string, NodeMeasures>>
  readonly phases: readonly PhaseMeasures[]
  /** null: not verified. */
  readonly verified: { readonly values: number; readonly wrong: number; readonly stale: number } | null
  /** Send time minus due time; null in a closed loop. */
  readonly sendLag: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number } | null
  /** null: a miss loads nothing. */
  readonly source: SourceMeasures | null
  /** Of a run through the cache library. */
  readonly cache?: CacheMeasures
  readonly generator: GeneratorCounts
  readonly warmup: WarmupCounts
  /** The machines that made the run together; absent: one alone. */
  readonly agents?: readonly AgentCounts[]
}

/** A run as counts, for any part of it, and as what it says of itself. */
export interface MeasuredRun {
  readonly counts: RunCounts
  readonly measures: BenchMeasures
}

export function measureRun(counts: RunCounts): MeasuredRun {
  return { counts, measures: foldRun(counts) }
}

export function foldRun(counts: RunCounts): BenchMeasures {
  const whole = partOf(counts, {})
  const outcomes = outcomesOf(whole)
  return {
    mode: counts.mode,
    seconds: whole.seconds,
    throughputPerSec: perSec(totalOf(whole.service), whole.seconds),
    ...outcomes,
    // some kinds have no node: a load of the source of truth that failed
    errors: Math.max(outcomes.errors, sum(Object.values(counts.errorKinds))),
    ...scheduleOf(counts.mode, counts.phases),
    errorKinds: counts.errorKinds,
    moved: movedIn(counts.errorKinds),
    overall: timed(counts, whole),
    operations: operationsOf(counts, {}),
    nodes: Object.fromEntries(counts.nodeIds.map((id, node) => [id, nodeMeasures(counts, id, node)])),
    phases: counts.phases.map((_, phase) => phaseMeasures(counts, phase)),
    verified: counts.verified ?? null,
    sendLag: counts.sendLag ? lagOf(counts.sendLag) : null,
    source: sourceOf(counts, outcomes.misses),
    ...(counts.cache ? { cache: foldCache(counts.cache) } : {}),
    generator: counts.generator,
    warmup: counts.warmup,
    ...(counts.agents ? { agents: counts.agents } : {}),
  }
}

function timed(counts: RunCounts, part: RunPart): TimedSummary {
  const latency = summarize(part.latency)
  return counts.mode === 'open' ? { ...latency, service: summarize(part.service) } : latency
}

function operationMeasures(counts: RunCounts, part: RunPart): OperationMeasures {
  return {
    ...timed(counts, part),
    throughputPerSec: perSec(totalOf(part.service), part.seconds),
  }
}

/** Those with anything in them. */
function operationsOf(counts: RunCounts, scope: PartScope): Record<string, OperationMeasures> {
  const operations: Record<string, OperationMeasures> = {}
  counts.operationNames.forEach((name, op) => {
    const measures = operationMeasures(counts, partOf(counts, { ...scope, op }))
    if (measures.count > 0) operations[name] = measures
  })
  return operations
}

function nodeMeasures(counts: RunCounts, id: string, node: number): NodeMeasures {
  const part = partOf(counts, { node })
  return {
    ...operationMeasures(counts, part),
    ...outcomesOf(part),
    evicted: evictedIn(counts, { node }),
    usedMemoryBytes: counts.series.nodes[id]?.usedMemoryBytes.findLast((bytes) => bytes !== null) ?? null,
  }
}

function phaseMeasures(counts: RunCounts, phase: number): PhaseMeasures {
  const part = partOf(counts, { phase })
  return {
    name: counts.phases[phase]!.name,
    seconds: part.seconds,
    ...operationMeasures(counts, part),
    ...outcomesOf(part),
    ...scheduleOf(counts.mode, [counts.phases[phase]!]),
    operations: operationsOf(counts, { phase }),
  }
}

function outcomesOf(part: RunPart): Outcomes {
  const { hits, misses, errors } = part.outcomes ?? { hits: 0, misses: 0, errors: 0 }
  return {
    hits,
    misses,
    hitRatio: hitRatio(hits, misses),
    errors,
    errorRate: errorRate(errors, totalOf(part.service)),
  }
}

export function scheduleOf(mode: RunCounts['mode'], phases: readonly PhaseCounts[]): ScheduleMeasures {
  const total = (pick: (phase: PhaseCounts) => number) => sum(phases.map(pick))
  const [offered, seconds] = [total((phase) => phase.offered), total((phase) => phase.seconds)]
  const [unsent, unanswered] = [total((phase) => phase.unsent), total((phase) => phase.unanswered)]
  const late = total((phase) => phase.late)
  return {
    offered,
    offeredPerSec: mode === 'open' ? perSec(offered, seconds) : null,
    achievedShare: mode === 'open' && offered > 0 ? (offered - unsent - unanswered - late) / offered : null,
    unsent,
    unanswered,
    late,
    heldBackSeconds: total((phase) => phase.heldBackSeconds),
  }
}

function lagOf(lag: ArrayLike<number>): NonNullable<BenchMeasures['sendLag']> {
  const total = totalOf(lag)
  const at = (quantile: number) => quantileUnits(lag, total, quantile) / unitsPerMs
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

function sourceOf({ source }: RunCounts, misses: number): SourceMeasures | null {
  if (!source) return null
  return {
    loads: source.loads,
    loadsPerMiss: misses === 0 ? null : source.loads / misses,
    duplicateLoads: source.duplicateLoads,
    maxUnderWay: source.maxUnderWay,
    queueing: summarize(source.queueing),
    loading: summarize(source.loading),
  }
}

export function movedIn(errorKinds: Readonly<Record<string, number>>): number {
  return sum(Object.entries(errorKinds).map(([kind, count]) => (/^(?:MOVED|ASK)\b/.test(kind) ? count : 0)))
}

export function hitRatio(hits: number, misses: number): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses)
}

export function errorRate(errors: number, answered: number): number {
  return errors / Math.max(1, errors + answered)
}

export function perSec(count: number, seconds: number): number {
  return seconds > 0 ? count / seconds : 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
