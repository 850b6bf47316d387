/** A closed loop: `places` requests are under way at any time, and each that ends makes room for the next. */
import type { LoadConnection } from './connection.js'
import { countedIn, type PacedEngine, type Pacer } from './pacer.js'

export class ClosedLoop implements Pacer {
  isOver = false
  private phase = 0
  private issued = 0
  private isStopping = false

  constructor(
    private readonly engine: PacedEngine,
    private readonly limits: {
      /** Connections × pipeline. */
      readonly places: number
      /** Of the measured phases; 0: none. */
      readonly requestLimit: number
    },
  ) {
    engine.onFree = (connection) => this.fill(connection)
  }

  enter(phase: number): void {
    this.phase = phase
    this.isStopping = false
    this.fill(undefined)
    this.engine.flush()
  }

  leave(): void {}

  stop(): void {
    this.isStopping = true
  }

  private fill(from: LoadConnection | undefined): void {
    const { engine, limits, phase } = this
    const counted = countedIn(phase)
    while (!this.isStopping && !this.isOver && engine.underWay < limits.places) {
      if (limits.requestLimit > 0 && this.issued >= limits.requestLimit) this.isOver = true
      else if (engine.source.next()) {
        this.issued += counted
        engine.start(phase, engine.nowMs, from)
      } else this.isOver = true
    }
  }
}
