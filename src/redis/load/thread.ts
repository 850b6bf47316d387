/** The course of one load thread, or process: phases as the main thread says, then what is under way is awaited, with a limit. */
import { systemClock } from '../../clock.js'
import { createRandom } from '../../random.js'
import { ClosedLoop } from './closed-loop.js'
import { control, phaseCode } from './memory.js'
import { OpenLoop } from './open-loop.js'
import type { PacedEngine, Pacer } from './pacer.js'
import type { LoadJob, LoadReport } from './protocol.js'
import { threadCpuSeconds } from './thread-cpu.js'

/** How often a closed loop looks for what the main thread wants; never between replies, which would cost each of them. */
const pollMs = 20
/** How often the end of a turn looks whether all replies are there. */
const drainPollMs = 1
/** Replies are awaited this long after the last request; after Ctrl-C the second. */
const drainMs = 10_000
const abortDrainMs = 1_000

export class LoadThread {
  private readonly pacer: Pacer
  private readonly phaseSeconds: number[]
  private phase = phaseCode.wait as number
  private phaseStartMs = 0
  private deadlineMs = Number.POSITIVE_INFINITY
  private cpuStart: { seconds: number | undefined; atMs: number } | undefined
  private finish: () => void = () => {}
  private isTurnEnding = false
  private restUntilMs = 0
  private nextLook: NodeJS.Timeout | undefined
  /** A turn is over; how long requests were under way. */
  onRest: (seconds: number) => void = () => {}

  constructor(
    private readonly job: LoadJob,
    private readonly engine: PacedEngine,
    private readonly hostNoise: LoadReport['hostNoise'],
  ) {
    const { memory, part, phases } = job
    this.phaseSeconds = phases.map(() => 0)
    this.pacer = memory.shape.open
      ? new OpenLoop(this.engine, {
          ...job,
          random: createRandom(job.seed + part.index + 0xa5a5),
          onTurn: () => this.poll(),
        })
      : new ClosedLoop(this.engine, {
          places: job.connections * job.pipeline,
          requestLimit: job.requestLimit,
        })
  }

  connect(): Promise<void> {
    return this.engine.connect()
  }

  /** From the first phase to the last reply. */
  async run(): Promise<LoadReport> {
    const finished = new Promise<void>((resolve) => {
      this.finish = resolve
    })
    const watch = setInterval(() => this.look(), pollMs)
    this.look()
    await finished
    clearInterval(watch)
    const cpuShare = this.cpuShare()
    this.engine.close()
    return {
      phaseSeconds: this.phaseSeconds,
      errorKinds: this.engine.errorKinds,
      cpuShare,
      hostNoise: this.hostNoise,
    }
  }

  /** Said once for each turn; `onRest` answers, also where the turn was over before it was noticed. */
  endTurn(): void {
    this.isTurnEnding = true
    this.look()
  }

  /** Looks now for what the main thread wants. */
  look(): void {
    this.engine.nowMs = systemClock.nowMs()
    this.poll()
  }

  private poll(): void {
    const { engine } = this
    const wanted = Atomics.load(this.job.memory.control, control.phase)
    if (this.isTurnEnding) this.rest()
    else if (wanted !== phaseCode.wait && wanted !== this.phase) this.change(wanted)
    else if (this.isThrough()) Atomics.store(this.job.memory.control, control.through, this.phase)
    const isStopped = this.phase <= phaseCode.stop
    if (!isStopped && !this.pacer.isOver) return
    if (engine.underWay > 0 && engine.nowMs < this.deadlineMs) {
      if (this.deadlineMs === Number.POSITIVE_INFINITY && isStopped)
        this.deadlineMs = engine.nowMs + (this.phase === phaseCode.stop ? drainMs : abortDrainMs)
      return
    }
    if (!isStopped) this.leave(engine.lastReplyMs || engine.nowMs)
    engine.abandon()
    this.finish()
  }

  /** The phase's schedule has run its length, by this thread's clock: it began a little after the main thread's. */
  private isThrough(): boolean {
    if (this.phase < 0 || !this.job.memory.shape.open) return false
    const { durationMs } = this.job.phases[this.phase]!
    return durationMs > 0 && this.engine.nowMs >= this.phaseStartMs + durationMs
  }

  private rest(): void {
    const { pacer, phase } = this
    if (pacer.isOver) return
    if (phase >= 0 && !this.hasEndedTurn()) {
      this.lookSoon()
      return
    }
    this.phase = phaseCode.wait
    this.isTurnEnding = false
    this.restUntilMs = 0
    this.onRest(phase < 0 ? 0 : this.phaseSeconds[phase]!)
  }

  /** An open loop's turn ends with its schedule, a closed one's with its last reply; false: not yet. */
  private hasEndedTurn(): boolean {
    const { engine, job, pacer } = this
    const { open } = job.memory.shape
    if (open && !this.isThrough()) return false
    if (this.restUntilMs === 0) {
      this.restUntilMs = engine.nowMs + drainMs
      if (open) this.leave(engine.nowMs)
      pacer.stop()
    }
    const isLost = engine.underWay > 0
    if (isLost && engine.nowMs < this.restUntilMs) return false
    if (isLost) engine.abandon()
    if (!open) this.leave(isLost ? engine.nowMs : engine.lastReplyMs)
    return true
  }

  private lookSoon(): void {
    this.nextLook ??= setTimeout(() => {
      this.nextLook = undefined
      this.look()
    }, drainPollMs)
  }

  private change(wanted: number): void {
    const { nowMs } = this.engine
    if (this.phase >= 0) this.leave(nowMs)
    this.phase = wanted
    if (wanted <= phaseCode.stop) {
      this.pacer.stop()
      return
    }
    this.phaseStartMs = nowMs
    this.engine.phaseEndMs[wanted] = Number.POSITIVE_INFINITY
    if (wanted > 0) this.cpuStart ??= { seconds: threadCpuSeconds(), atMs: nowMs }
    this.engine.source.shiftTo(this.job.phases[wanted]!.hotShift)
    this.pacer.enter(wanted)
  }

  private leave(nowMs: number): void {
    const { durationMs } = this.job.phases[this.phase]!
    // an open loop's phase has the length of its schedule, whenever it is noticed
    const isScheduled = this.job.memory.shape.open && durationMs > 0
    const endMs = isScheduled ? Math.min(nowMs, this.phaseStartMs + durationMs) : nowMs
    this.engine.phaseEndMs[this.phase] = endMs
    this.phaseSeconds[this.phase] = Math.max(0, endMs - this.phaseStartMs) / 1000
    this.pacer.leave(endMs)
  }

  private cpuShare(): number | undefined {
    const { cpuStart } = this
    const seconds = threadCpuSeconds()
    if (cpuStart?.seconds === undefined || seconds === undefined) return undefined
    const passed = (systemClock.nowMs() - cpuStart.atMs) / 1000
    return passed > 0 ? Math.min(1, (seconds - cpuStart.seconds) / passed) : undefined
  }
}
