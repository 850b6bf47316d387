/** Runs made up for tests: say what matters, the rest is a plain closed loop over n1, n2 and n3. */
import { histogramLength, slotOf, unitsPerMs } from '../../src/measure/latency-histogram.js'
import type { LatencyCell, OutcomeCell, PhaseCounts, RunCounts } from '../../src/measure/run-counts.js'
import { blankSeries, type NodeSeries, type Series } from '../../src/measure/series.js'

/** Counts a slot of so many requests of so many milliseconds each. */
export function latencies(...parts: readonly (readonly [ms: number, count: number])[]): Float64Array {
  const counts = new Float64Array(histogramLength)
  for (const [ms, count] of parts) counts[slotOf(Math.round(ms * unitsPerMs))]! += count
  return counts
}

type Loose<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>

export interface RunSketch extends Partial<Omit<RunCounts, 'phases' | 'cells' | 'outcomes'>> {
  readonly phases?: readonly Partial<PhaseCounts>[]
  readonly cells?: readonly Loose<LatencyCell, 'phase' | 'node' | 'op'>[]
  readonly outcomes?: readonly Loose<OutcomeCell, 'phase' | 'node'>[]
}

export function runCounts({ phases, cells, outcomes, ...rest }: RunSketch = {}): RunCounts {
  return {
    mode: 'closed',
    nodeIds: ['n1', 'n2', 'n3'],
    operationNames: ['get', 'set', 'fill', 'del'],
    phases: (phases ?? [{}]).map((phase) => ({
      name: 'measure',
      seconds: 1,
      offered: 0,
      unsent: 0,
      unanswered: 0,
      late: 0,
      heldBackSeconds: 0,
      ...phase,
    })),
    cells: (cells ?? []).map((cell) => ({ phase: 0, node: 0, op: 0, ...cell })),
    outcomes: (outcomes ?? []).map((outcome) => ({ phase: 0, node: 0, ...outcome })),
    errorKinds: {},
    generator: { threadCpuShares: [], hostNoise: { p999Ms: 0, maxMs: 0 } },
    warmup: { seconds: 0, answered: 0 },
    series: blankSeries(),
    ...rest,
  }
}

/** A series of whole seconds; columns that are not given are 0. */
export function series(
  columns: Partial<Omit<Series, 'nodes'>> & { nodes?: Readonly<Record<string, Partial<NodeSeries>>> },
): Series {
  const length = columns.answered?.length ?? columns.atSec?.length ?? 0
  const zeros = Array.from({ length }, () => 0)
  const unknown = zeros.map(() => null)
  const flow = { answered: zeros, hits: zeros, misses: zeros, errors: zeros, p99Ms: zeros }
  const blank = { ...flow, usedMemoryBytes: unknown, evicted: unknown, cpuShare: unknown }
  return {
    ...blankSeries(),
    atSec: zeros.map((_, index) => index + 1),
    phase: zeros,
    offered: zeros,
    ...flow,
    p50Ms: zeros,
    p999Ms: zeros,
    maxMs: zeros,
    ...columns,
    nodes: Object.fromEntries(
      Object.entries(columns.nodes ?? {}).map(([id, node]) => [id, { ...blank, ...node }]),
    ),
  }
}
