/**
 * An open loop: each request starts when it is due, whatever became of those before. One that can't start in time,
 * because the thread or the in-flight bound held it back, starts late and keeps its intended start; one that never starts
 * counts as unsent, with the time it had waited.
 */
import { systemClock } from '../../clock.js'
import type { Random } from '../../random.js'
import { createArrivals } from '../../workload/arrivals.js'
import type { PhaseSpec } from '../../workload/workload.js'
import { schedule } from './memory.js'
import { countedIn, type PacedEngine, type Pacer } from './pacer.js'

/** A timer may be this late; closer to a due time the thread spins. */
const spinMs = 2
/** After so many sends in one turn the clock is read and the sockets are flushed again. */
const batch = 32

export interface OpenLoopOptions {
  /** The warm-up first. */
  readonly phases: readonly PhaseSpec[]
  readonly part: { readonly index: number; readonly count: number }
  readonly random: Random
  /** Of this thread. */
  readonly maxInFlight: number
  readonly requestLimit: number
  readonly pace: 'exact' | 'low-cpu'
  /** Once a turn, before requests are sent: the phase may change. */
  onTurn(): void
}

export class OpenLoop implements Pacer {
  isOver = false
  private phase = 0
  private startMs = 0
  /** When the next request is due, by the thread's clock. */
  private dueMs = Number.POSITIVE_INFINITY
  private nextDueMs: () => number = () => Number.POSITIVE_INFINITY
  private issued = 0
  private heldSinceMs = -1
  private isStopping = false
  /** Which `enter` the turns of now come from; those of an earlier one end. */
  private chain = 0
  private isTrace = false

  constructor(
    private readonly engine: PacedEngine,
    private readonly options: OpenLoopOptions,
  ) {}

  enter(phase: number): void {
    const { engine, options } = this
    const { rate, durationMs } = options.phases[phase]!
    this.phase = phase
    this.isStopping = false
    this.startMs = engine.nowMs
    this.isTrace = rate.kind === 'trace'
    if (rate.kind === 'max') throw new Error('a rate of max has no schedule')
    if (rate.kind === 'trace') {
      this.nextDueMs = () =>
        engine.source.next() ? engine.source.atMs / rate.speed : Number.POSITIVE_INFINITY
    } else {
      const arrivals = createArrivals(rate, { random: options.random, part: options.part, durationMs })
      this.nextDueMs = () => arrivals.next()
    }
    this.advance()
    this.chain += 1
    this.turn(this.chain)
  }

  /** What is due by the end of the phase still starts; what can't is unsent. */
  leave(endMs: number): void {
    const { engine, phase } = this
    this.send(endMs)
    this.endHold(engine.nowMs)
    let unsent = 0
    while (this.dueMs <= endMs) {
      if (!this.isTrace && !engine.source.next()) break
      engine.unsent(phase, endMs - this.dueMs)
      unsent += 1
      this.advance()
    }
    engine.recorder.schedule(phase, schedule.offered, unsent)
    engine.recorder.schedule(phase, schedule.unsent, unsent)
    this.dueMs = Number.POSITIVE_INFINITY
  }

  stop(): void {
    this.isStopping = true
  }

  private turn(chain: number): void {
    const { engine, options } = this
    engine.nowMs = systemClock.nowMs()
    options.onTurn()
    if (this.isStopping || chain !== this.chain) return
    this.send(engine.nowMs)
    engine.recorder.publish()
    const waitMs = this.dueMs - engine.nowMs
    if (options.pace === 'exact' && waitMs < spinMs) setImmediate(() => this.turn(chain))
    else setTimeout(() => this.turn(chain), Math.min(20, Math.max(1, waitMs - spinMs)))
  }

  /** Starts what is due by now, as far as the bound allows. */
  private send(byMs: number): void {
    const { engine, options, phase } = this
    const { recorder } = engine
    const counted = countedIn(phase)
    let sent = 0
    while (this.dueMs <= byMs) {
      if (engine.underWay >= options.maxInFlight) {
        if (this.heldSinceMs < 0) this.heldSinceMs = engine.nowMs
        break
      }
      if (!this.isTrace && !engine.source.next()) {
        this.dueMs = Number.POSITIVE_INFINITY
        this.isOver = true
        break
      }
      engine.start(phase, this.dueMs, undefined)
      recorder.sendLag(engine.nowMs - this.dueMs, counted)
      sent += 1
      this.advance()
      if (sent % batch === 0) {
        engine.flush()
        engine.nowMs = systemClock.nowMs()
      }
    }
    engine.flush()
    recorder.schedule(phase, schedule.offered, sent)
    if (this.heldSinceMs >= 0 && engine.underWay < options.maxInFlight) this.endHold(engine.nowMs)
  }

  private advance(): void {
    const { options } = this
    const { requestLimit } = options
    if (requestLimit > 0 && this.issued >= requestLimit) {
      this.isOver = true
      this.dueMs = Number.POSITIVE_INFINITY
      return
    }
    this.issued += countedIn(this.phase)
    const offsetMs = this.nextDueMs()
    this.dueMs = this.startMs + offsetMs
    // a phase with a duration goes on until the main thread ends it
    if (offsetMs === Number.POSITIVE_INFINITY && options.phases[this.phase]!.durationMs === 0)
      this.isOver = true
  }

  private endHold(nowMs: number): void {
    if (this.heldSinceMs < 0) return
    this.engine.recorder.schedule(this.phase, schedule.heldBackMs, nowMs - this.heldSinceMs)
    this.heldSinceMs = -1
  }
}
