/** A run that several generators made together, each its share: by addition, never by averaging. */
import { histogramLength, mergeCounts } from './latency-histogram.js'
import { type MergedSecond, mergeSeries, type SecondHistograms } from './merge-series.js'
import type { LatencyCell, OutcomeCell, PhaseCounts, RunCounts, SourceCounts } from './run-counts.js'

/** What one generator hands over. */
export interface GeneratorRun {
  readonly counts: RunCounts
  /** One for each entry of the series, which can't be merged without. */
  readonly histograms: readonly SecondHistograms[]
}

/**
 * The counts of the whole. A phase lasted as long as it did for the slowest. Errors: a plain Error for runs of different
 * nodes, operations or phases, and for none at all.
 */
export function mergeRuns(
  runs: readonly GeneratorRun[],
  onSecond?: (second: MergedSecond) => void,
): RunCounts {
  const all = runs.map(({ counts }) => counts)
  const [first] = all
  if (!first) throw new Error('no run to merge')
  for (const counts of all)
    if (shapeOf(counts) !== shapeOf(first)) throw new Error('runs of different shapes')
  const { mode, nodeIds, operationNames } = first
  const lags = all.flatMap(({ sendLag }) => (sendLag ? [sendLag] : []))
  const verified = all.flatMap((counts) => (counts.verified ? [counts.verified] : []))
  const sources = all.flatMap(({ source }) => (source ? [source] : []))
  const recorded = runs.map(({ counts: { series }, histograms }) => ({ series, histograms }))
  return {
    mode,
    nodeIds,
    operationNames,
    phases: first.phases.map((_, phase) => mergePhase(all.map(({ phases }) => phases[phase]!))),
    cells: mergeCells(all.flatMap(({ cells }) => cells)),
    outcomes: mergeOutcomes(all.flatMap(({ outcomes }) => outcomes)),
    errorKinds: mergeKinds(all.map(({ errorKinds }) => errorKinds)),
    ...(lags.length > 0 ? { sendLag: add(lags) } : {}),
    ...(verified.length > 0
      ? {
          verified: {
            values: sum(verified.map(({ values }) => values)),
            wrong: sum(verified.map(({ wrong }) => wrong)),
            stale: sum(verified.map(({ stale }) => stale)),
          },
        }
      : {}),
    ...(sources.length > 0 ? { source: mergeSources(sources) } : {}),
    generator: {
      threadCpuShares: all.flatMap(({ generator }) => generator.threadCpuShares),
      hostNoise: {
        p999Ms: Math.max(...all.map(({ generator }) => generator.hostNoise.p999Ms)),
        maxMs: Math.max(...all.map(({ generator }) => generator.hostNoise.maxMs)),
      },
    },
    warmup: mergeWarmups(all),
    series: mergeSeries(recorded, {
      nodeIds,
      operations: operationNames.length,
      ...(onSecond ? { onSecond } : {}),
    }),
  }
}

function shapeOf({ mode, nodeIds, operationNames, phases }: RunCounts): string {
  return JSON.stringify([mode, nodeIds, operationNames, phases.map(({ name }) => name)])
}

function mergePhase(phases: readonly PhaseCounts[]): PhaseCounts {
  const total = (pick: (phase: PhaseCounts) => number) => sum(phases.map(pick))
  return {
    name: phases[0]!.name,
    seconds: Math.max(...phases.map(({ seconds }) => seconds)),
    offered: total(({ offered }) => offered),
    unsent: total(({ unsent }) => unsent),
    unanswered: total(({ unanswered }) => unanswered),
    late: total(({ late }) => late),
    heldBackSeconds: Math.max(...phases.map(({ heldBackSeconds }) => heldBackSeconds)),
  }
}

function mergeCells(cells: readonly LatencyCell[]): LatencyCell[] {
  return [...groupByPlace(cells).values()].map((group) => {
    const { phase, node, op } = group[0]!
    const responses = group.flatMap(({ response }) => (response ? [response] : []))
    return {
      phase,
      node,
      op,
      service: add(group.map(({ service }) => service)),
      ...(responses.length > 0 ? { response: add(responses) } : {}),
    }
  })
}

function mergeOutcomes(outcomes: readonly OutcomeCell[]): OutcomeCell[] {
  return [...groupByPlace(outcomes).values()].map((group) => ({
    ...group[0]!,
    hits: sum(group.map(({ hits }) => hits)),
    misses: sum(group.map(({ misses }) => misses)),
    errors: sum(group.map(({ errors }) => errors)),
  }))
}

function groupByPlace<T extends { phase: number; node: number; op?: number }>(cells: readonly T[]) {
  const places = new Map<string, T[]>()
  for (const cell of cells) {
    const place = `${cell.phase} ${cell.node} ${cell.op}`
    places.set(place, [...(places.get(place) ?? []), cell])
  }
  return places
}

function mergeKinds(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  // a kind is a server's word: `__proto__` must stay one
  const kinds = new Map<string, number>()
  for (const [kind, count] of all.flatMap(Object.entries<number>))
    kinds.set(kind, (kinds.get(kind) ?? 0) + count)
  return Object.fromEntries(kinds)
}

/** Each generator has its part of the source's places: so many loads were under way at most. */
function mergeSources(sources: readonly SourceCounts[]): SourceCounts {
  return {
    loads: sum(sources.map(({ loads }) => loads)),
    duplicateLoads: sum(sources.map(({ duplicateLoads }) => duplicateLoads)),
    maxUnderWay: sum(sources.map(({ maxUnderWay }) => maxUnderWay)),
    queueing: add(sources.map(({ queueing }) => queueing)),
    loading: add(sources.map(({ loading }) => loading)),
  }
}

function mergeWarmups(all: readonly RunCounts[]): RunCounts['warmup'] {
  const known = all.flatMap(({ warmup }) => (warmup.steady === undefined ? [] : [warmup.steady]))
  return {
    seconds: Math.max(...all.map(({ warmup }) => warmup.seconds)),
    answered: sum(all.map(({ warmup }) => warmup.answered)),
    ...(known.length > 0 ? { steady: known.every(Boolean) } : {}),
  }
}

function add(histograms: readonly ArrayLike<number>[]): Float64Array {
  const merged = new Float64Array(histogramLength)
  for (const counts of histograms) mergeCounts(merged, counts)
  return merged
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
