/** Decides when requests start. */
export interface Pacer {
  /** No request will start any more. */
  readonly isOver: boolean
  /** Requests that start from now on belong to this phase. */
  enter(phase: number): void
  /** The phase has ended at this time; `enter` or `stop` follows. */
  leave(endMs: number): void
  stop(): void
}
