/** A run over time, one entry a second, in columns: an hour of it is small, and other programs plot it as it is. */

export interface Series {
  /** Seconds since measuring began, at the end of each interval; the last interval may be shorter. */
  readonly atSec: readonly number[]
  /** Index of the phase. */
  readonly phase: readonly number[]
  /** Open loop: requests due; 0 in a closed loop. */
  readonly offered: readonly number[]
  readonly answered: readonly number[]
  readonly hits: readonly number[]
  readonly misses: readonly number[]
  readonly errors: readonly number[]
  /** Response time in an open loop, service time in a closed one; 0 where nothing was answered. */
  readonly p50Ms: readonly number[]
  readonly p99Ms: readonly number[]
  readonly p999Ms: readonly number[]
  readonly maxMs: readonly number[]
  readonly nodes: Readonly<Record<string, NodeSeries>>
}

export interface NodeSeries {
  readonly answered: readonly number[]
  readonly hits: readonly number[]
  readonly misses: readonly number[]
  readonly errors: readonly number[]
  readonly p99Ms: readonly number[]
  /** As the server says; null where it could not be asked. */
  readonly usedMemoryBytes: readonly (number | null)[]
  /** Keys evicted in the interval. */
  readonly evicted: readonly (number | null)[]
  /** Of one core, in [0, 1] for a server with one thread. */
  readonly cpuShare: readonly (number | null)[]
}

type Columns<T> = { -readonly [column in keyof T]: T[column] extends readonly (infer E)[] ? E[] : never }

/** Columns to be written. */
export type SeriesColumns = Columns<Omit<Series, 'nodes'>> & { nodes: Record<string, NodeColumns> }
export type NodeColumns = Columns<NodeSeries>

export function blankSeries(): SeriesColumns {
  return {
    atSec: [],
    phase: [],
    offered: [],
    answered: [],
    hits: [],
    misses: [],
    errors: [],
    p50Ms: [],
    p99Ms: [],
    p999Ms: [],
    maxMs: [],
    nodes: {},
  }
}

export function blankNodeSeries(): NodeColumns {
  return {
    answered: [],
    hits: [],
    misses: [],
    errors: [],
    p99Ms: [],
    usedMemoryBytes: [],
    evicted: [],
    cpuShare: [],
  }
}
