/** A node that is sampled burst by burst, with what is known of it so far. */
import type { Clock } from '../../clock.js'
import { BackOff, type Budget, burstBounds, pauseMs } from '../../hotkeys/burst-schedule.js'
import {
  CostCalibration,
  type CostModel,
  type LoadReading,
  lineHeadBytes,
  seedCost,
} from '../../hotkeys/cost-model.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import { Tally, type TallyOptions } from '../../hotkeys/tally.js'
import type { Random } from '../../random.js'
import type { BurstSource, NodeProbePort } from './ports.js'

/** A rate over less time is noise. */
const shortestRateMs = 500
/** A shorter stretch tells nothing of a node's rate. */
const shortestStretchMs = 20

export class SampledNode {
  tally: Tally
  readonly backOff = new BackOff()
  /** Server time of this window's bursts, by what the server's own counters say. */
  costMicros = 0
  dueMs = 0
  rate = 1
  private readonly calibration = new CostCalibration()
  private readonly cost: CostModel
  private bytesPerCommand: number
  /** In bursts of this window. */
  private watched = { commands: 0, ms: 0 }
  private first: LoadReading | undefined
  private last: LoadReading | undefined

  constructor(
    readonly facts: NodeFacts,
    readonly source: BurstSource,
    private readonly counting: TallyOptions,
  ) {
    this.tally = new Tally(facts.node, counting)
    this.cost = seedCost(facts.server, facts.version)
    this.bytesPerCommand = facts.bytesPerCommand
  }

  /** What was learnt of the node stays; costs and rates are of the window. `isFresh`: so are the counts. */
  beginWindow(isFresh: boolean): void {
    if (isFresh) this.tally = new Tally(this.facts.node, this.counting)
    this.costMicros = 0
    this.first = this.last
    this.watched = { commands: 0, ms: 0 }
  }

  /** Of what its source sees, over the time it was sampled; what the preflight saw until then. */
  get opsPerSec(): number {
    const { first, last, watched } = this
    // the server counts commands, not writes
    if (this.source.sees === 'writes') return watched.ms > 0 ? (1000 * watched.commands) / watched.ms : 0
    if (!first || !last || last.atMs - first.atMs < shortestRateMs) return this.facts.opsPerSec
    return rateOf(first, last)
  }

  /** Whether the server's own CPU times were there to go by. */
  get isMeasured(): boolean {
    return this.last?.cpuMicros !== undefined
  }

  async burst(
    probe: NodeProbePort,
    { budget, clock, random }: { budget: Budget; clock: Clock; random: Random },
  ): Promise<void> {
    const { node } = this.facts
    const before = await probe.load(node)
    const { last } = this
    if (last) this.calibration.addBetween(last, before)
    const bounds = burstBounds(budget, {
      cost: this.cost,
      factor: this.calibration.factor,
      bytesPerCommand: this.bytesPerCommand,
    })
    const startedMs = clock.nowMs()
    const burst = await this.source.burst(node, bounds)
    const lengthMs = clock.nowMs() - startedMs
    const after = await probe.load(node)
    this.first ??= before
    this.last = after
    this.tally.add(burst)
    this.watched.commands += burst.commands.length
    this.watched.ms += lengthMs
    const modelled = burst.costMicros ?? 0
    this.calibration.addBurst(before, after, modelled)
    if (last && before.atMs - last.atMs >= shortestStretchMs)
      this.backOff.add(rateOf(before, after), rateOf(last, before))
    const count = burst.commands.length
    if (count > 0) {
      const bytes = Math.max(0, burst.bytes / count - lineHeadBytes)
      this.bytesPerCommand = 0.8 * this.bytesPerCommand + 0.2 * bytes
    }
    const costMicros = modelled * this.calibration.factor
    this.costMicros += costMicros
    const given = { ...budget, share: budget.share * this.backOff.part }
    this.dueMs = clock.nowMs() + pauseMs({ costMicros, lengthMs }, { budget: given, rate: this.rate, random })
  }
}

function rateOf(before: LoadReading, after: LoadReading): number {
  const seconds = (after.atMs - before.atMs) / 1000
  return seconds > 0 ? Math.max(0, after.commands - before.commands) / seconds : 0
}
