/** What the threads of a run counted, merged by addition; everything the result says about the load folds from here. */
import type { AgentCounts } from './agents.js'
import type { CacheCounts } from './cache-counts.js'
import type { Series } from './series.js'

export interface RunCounts {
  /** Open loop: `response` stands beside `service` in every cell. */
  readonly mode: 'closed' | 'open'
  readonly nodeIds: readonly string[]
  /** Indexes of `LatencyCell.op`. */
  readonly operationNames: readonly string[]
  readonly phases: readonly PhaseCounts[]
  /** Cells with anything in them. */
  readonly cells: readonly LatencyCell[]
  readonly outcomes: readonly OutcomeCell[]
  /** What went wrong, by the server's error code or our own words, whole run. */
  readonly errorKinds: Readonly<Record<string, number>>
  /** Open loop: send time minus due time, a histogram in the units of latency; counts a slot. */
  readonly sendLag?: ArrayLike<number>
  /** With verification: values that were not what was written, and values that a later acknowledged write had replaced. */
  readonly verified?: { readonly values: number; readonly wrong: number; readonly stale: number }
  readonly source?: SourceCounts
  /** Of a run through the cache library. */
  readonly cache?: CacheCounts
  readonly generator: GeneratorCounts
  readonly warmup: WarmupCounts
  readonly series: Series
  /** The machines that made the run together; absent: this one alone. */
  readonly agents?: readonly AgentCounts[]
}

export interface PhaseCounts {
  readonly name: string
  readonly seconds: number
  /** Open loop: requests that were due. */
  readonly offered: number
  /** Of those, never sent: the in-flight bound, or the end of the run, was in the way. */
  readonly unsent: number
  /** Sent, and no reply by the end of the run; they count as errors as well. */
  readonly unanswered: number
  /** Answered more than 100 ms after the phase had ended. */
  readonly late: number
  /** Time during which requests were due and the in-flight bound held them back; of the thread with most. */
  readonly heldBackSeconds: number
}

/** What went before and was not counted. */
export interface WarmupCounts {
  readonly seconds: number
  readonly answered: number
  /** With a warm-up that is detected: whether throughput, p99 and hit ratio had stopped drifting. */
  readonly steady?: boolean
}

/** Latencies of one operation at one node in one phase: counts a slot of latency-histogram.ts. */
export interface LatencyCell {
  readonly phase: number
  readonly node: number
  readonly op: number
  /** From the send. */
  readonly service: ArrayLike<number>
  /** From the intended start; those never answered count with the time they had waited. */
  readonly response?: ArrayLike<number>
}

export interface OutcomeCell {
  readonly phase: number
  readonly node: number
  /** Absent: of all operations together. */
  readonly op?: number
  readonly hits: number
  readonly misses: number
  readonly errors: number
}

/** The simulated database's side of a read-through run. */
export interface SourceCounts {
  readonly loads: number
  /** Loads of a key that another load was under way for: what single-flight would have saved. */
  readonly duplicateLoads: number
  readonly maxUnderWay: number
  /** Waiting for a free place, and waiting with the load itself: counts a slot. */
  readonly queueing: ArrayLike<number>
  readonly loading: ArrayLike<number>
}

export interface GeneratorCounts {
  /** CPU seconds by wall seconds of each thread while measuring, in [0, 1]; empty where the system does not tell. */
  readonly threadCpuShares: readonly number[]
  /** Gaps that a spinning thread saw before the run: what the machine itself adds to a tail. */
  readonly hostNoise: { readonly p999Ms: number; readonly maxMs: number }
}
