/** Decides when requests start, and what it starts them on. */
import type { RequestSource } from '../../workload/request-source.js'
import type { LoadConnection } from './connection.js'
import type { Recorder } from './recorder.js'

/**
 * What one request adds to a count of measured ones: nothing in the warm-up. A number and no branch: code that runs first
 * when measuring starts would throw away what the compiler made of the warm-up.
 */
export function countedIn(phase: number): 0 | 1 {
  return phase > 0 ? 1 : 0
}

export interface Pacer {
  /** No request will start any more. */
  readonly isOver: boolean
  /** Requests that start from now on belong to this phase. */
  enter(phase: number): void
  /** The phase has ended at this time; `enter` or `stop` follows. */
  leave(endMs: number): void
  /** Until `enter` is called again, if ever. */
  stop(): void
}

/** What sends one thread's or process's requests: to servers (engine.ts), or through the cache library (strategy/). */
export interface PacedEngine {
  readonly source: RequestSource
  readonly recorder: Recorder
  /** The clock's last reading. */
  nowMs: number
  readonly lastReplyMs: number
  /** When each phase ended; infinite until then. */
  readonly phaseEndMs: Float64Array
  /** Requests that have started and not ended. */
  readonly underWay: number
  readonly errorKinds: Record<string, number>
  /** A request has ended; another may start, best over the same connection. */
  onFree: (connection: LoadConnection | undefined) => void
  connect(): Promise<void>
  close(): void
  /** Starts the request that the source holds; `dueMs` is its intended start. */
  start(phase: number, dueMs: number, from: LoadConnection | undefined): void
  /** The request that the source holds was due and never started. */
  unsent(phase: number, waitedMs: number): void
  flush(): void
  /** All that is under way ends without an answer. */
  abandon(): void
}
