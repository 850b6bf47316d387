/** A stream of requests without an object a request, so that a million a second leave no garbage. */
import type { Random } from '../random.js'
import type { KeyDistribution } from './key-distribution.js'
import type { SizeDistribution } from './size-distribution.js'
import type { TtlMix } from './ttl-mix.js'
import type { OperationSpec } from './workload.js'

/** `next()` sets the fields; false: the stream has ended. */
export interface RequestSource {
  next(): boolean
  /** Index into the run's operations. */
  op: number
  /** Number of the key; of `read-many` the first. */
  key: number
  valueBytes: number
  /** 0: the key does not expire. */
  ttlSeconds: number
  /** Of `read-many`: the keys asked for are `keys[0 .. keyCount)`; 1 otherwise. */
  keyCount: number
  readonly keys: Uint32Array
  /** Of a trace: when the request was made, ms since the first one; 0 otherwise. */
  atMs: number
  /** The hot set moves by this share of the key numbers, in [0, 1), from where it was at the start. */
  shiftTo(share: number): void
}

export interface SourceOptions {
  readonly operations: readonly OperationSpec[]
  /** Keys that exist at the start; `insert` goes beyond, up to twice as many, and then over the oldest of its own. */
  readonly keyCount: number
  readonly random: Random
  /** This thread of how many: streams that end are divided, inserted keys are never the same. */
  readonly part: { readonly index: number; readonly count: number }
}

export interface MixSpec {
  readonly kind: 'mix'
  readonly distribution: KeyDistribution
  readonly values: SizeDistribution
  readonly ttl: TtlMix
}

/** A trace's requests as columns; shared memory, so that threads read one copy. */
export interface TraceRequests {
  readonly keys: Uint32Array
  /** Indexes into `traceOperations`. */
  readonly ops: Uint8Array
  /** 0: not in the trace. */
  readonly valueBytes: Uint32Array
  readonly ttlSeconds: Uint32Array
  /** Since the first request, never falling; requests of one tick of a coarse clock are spread evenly over it. */
  readonly atMs: Float64Array
}

/** What a trace's requests can be. A trace's increments and appends are writes of a whole value. */
export const traceOperations: readonly OperationSpec[] = [
  { name: 'get', kind: 'read', weight: 1, keyspace: '' },
  { name: 'set', kind: 'write', weight: 1, keyspace: '' },
  { name: 'del', kind: 'remove', weight: 1, keyspace: '' },
]
