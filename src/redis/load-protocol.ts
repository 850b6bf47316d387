/** What the main thread and a load thread share: the job, the shared counters, the report. */
import type { LoadKeysSpec, NodeAccess } from '../operations/ports.js'
import type { Topology } from '../ring/topology.js'
import type { SourceSpec } from '../workload/requests.js'

export interface LoadJob {
  readonly topology: Topology
  readonly accesses: readonly NodeAccess[]
  readonly keys: LoadKeysSpec
  readonly source: SourceSpec
  readonly valueBytes: number
  /** Seconds; 0: none. */
  readonly ttlSeconds: number
  readonly seed: number
  /** Of this thread. */
  readonly connections: number
  readonly pipeline: number
  readonly part: { readonly index: number; readonly count: number }
  /** Requests to issue in the measured phase by this thread; 0: until told to stop. */
  readonly requestLimit: number
  readonly shared: SharedLoad
}

/** Shared memory of one thread. */
export interface SharedLoad {
  /** [0] the phase, set by the main thread; [1] answered requests, for progress. */
  readonly control: Int32Array<SharedArrayBuffer>
  /** [node × operations + op] × histogramLength counts. */
  readonly histograms: Uint32Array<SharedArrayBuffer>
  /** Per node: hits, misses, errors. */
  readonly outcomes: Float64Array<SharedArrayBuffer>
}

export const phase = { wait: 0, warmup: 1, measure: 2, stop: 3 } as const

export type LoadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number; readonly remedy?: string }
  | { readonly kind: 'done'; readonly seconds: number; readonly errorKinds: Readonly<Record<string, number>> }
