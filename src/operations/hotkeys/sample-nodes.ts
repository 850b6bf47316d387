/** Bursts, one node at a time, in random order and at random times, until enough is known. */
import type { Clock } from '../../clock.js'
import { sampleRates } from '../../hotkeys/allocation.js'
import { BackOff, type Budget, burstBounds, pauseMs } from '../../hotkeys/burst-schedule.js'
import { CostCalibration, type CostModel, type LoadReading, seedCost } from '../../hotkeys/cost-model.js'
import { type Estimate, estimate } from '../../hotkeys/estimate.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import { isSettled } from '../../hotkeys/stop-rule.js'
import { Tally } from '../../hotkeys/tally.js'
import type { Random } from '../../random.js'
import type { ProgressPort } from '../ports.js'
import type { BurstSource, NodeProbePort } from './ports.js'

export interface SampleRequest {
  readonly budget: Budget
  readonly maxMs: number
  readonly threshold: number
  readonly top: number
}

export interface SamplePorts {
  readonly probe: NodeProbePort
  readonly clock: Clock
  readonly random: Random
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

const checkEveryMs = 500
/** A bound on memory: about 60 MB of distinct keys. */
const maxSamples = 500_000
/** The time and address of a MONITOR line. */
const lineHeadBytes = 47
/** A shorter stretch tells nothing of a node's rate. */
const shortestStretchMs = 20

export class SampledNode {
  readonly tally: Tally
  readonly calibration = new CostCalibration()
  readonly backOff = new BackOff()
  readonly cost: CostModel
  /** By the seed, and by what the server's own counters say. */
  modelledMicros = 0
  costMicros = 0
  dueMs = 0
  rate = 1
  private bytesPerCommand: number
  private first: LoadReading | undefined
  private last: LoadReading | undefined

  constructor(
    readonly facts: NodeFacts,
    readonly source: BurstSource,
  ) {
    this.tally = new Tally(facts.node)
    this.cost = seedCost(facts.server, facts.version)
    this.bytesPerCommand = facts.bytesPerCommand
  }

  get samples(): number {
    return this.tally.burstSizes.reduce((sum, size) => sum + size, 0)
  }

  /** Over the time it was sampled; what the preflight saw until then. */
  get opsPerSec(): number {
    const { first, last } = this
    if (!first || !last || last.atMs - first.atMs < checkEveryMs) return this.facts.opsPerSec
    return rateOf(first, last)
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
    this.modelledMicros += modelled
    this.costMicros += costMicros
    const given = { ...budget, share: budget.share * this.backOff.part }
    this.dueMs = clock.nowMs() + pauseMs({ costMicros, lengthMs }, { budget: given, rate: this.rate, random })
  }
}

function rateOf(before: LoadReading, after: LoadReading): number {
  const seconds = (after.atMs - before.atMs) / 1000
  return seconds > 0 ? Math.max(0, after.commands - before.commands) / seconds : 0
}

/** Resolves with true when the rule said that enough is known. */
export async function sampleNodes(
  nodes: readonly SampledNode[],
  request: SampleRequest,
  { probe, clock, random, progress, signal }: SamplePorts,
): Promise<boolean> {
  const startedMs = clock.nowMs()
  let checkedMs = startedMs
  while (!signal.aborted && clock.nowMs() - startedMs < request.maxMs) {
    const nowMs = clock.nowMs()
    const due = nodes.filter((node) => node.dueMs <= nowMs)
    const chosen = due[random.below(due.length)]
    if (chosen) await chosen.burst(probe, { budget: request.budget, clock, random })
    else await pause(Math.min(...nodes.map((node) => node.dueMs), startedMs + request.maxMs) - nowMs)
    const sampled = nodes.reduce((sum, node) => sum + node.samples, 0)
    if (sampled >= maxSamples) return false
    const passedMs = clock.nowMs() - startedMs
    progress.update(`sampled ${sampled.toLocaleString('en')} commands in ${Math.floor(passedMs / 1000)} s`)
    if (clock.nowMs() - checkedMs < checkEveryMs) continue
    const known = estimateOf(nodes, request)
    if (isSettled(known, { ...request, opsPerSec: ratesOf(nodes) })) return true
    allocate(nodes, known)
    checkedMs = clock.nowMs()
  }
  return false

  function pause(ms: number): Promise<void> {
    return clock.sleep(Math.max(0, ms), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

export function estimateOf(nodes: readonly SampledNode[], { threshold, top }: SampleRequest): Estimate {
  return estimate(
    nodes.map((node) => node.tally),
    { threshold, top, opsPerSec: ratesOf(nodes) },
  )
}

export function ratesOf(nodes: readonly SampledNode[]): Map<string, number> {
  return new Map(nodes.map((node) => [node.facts.node, node.opsPerSec]))
}

/** A half width of 95 % times the root of the samples behind it: what one sample deviates, waves included. */
function allocate(nodes: readonly SampledNode[], { candidates }: Estimate): void {
  const rates = sampleRates(
    nodes.map((node) => {
      const widths = candidates.flatMap(({ node: id, low, high }) =>
        id === node.facts.node ? [(high - low) / 2] : [],
      )
      const costMicros = node.costMicros / Math.max(1, node.samples)
      return {
        opsPerSec: node.opsPerSec,
        deviation: Math.max(0, ...widths) * Math.sqrt(node.samples),
        costMicros,
      }
    }),
  )
  for (const [index, node] of nodes.entries()) node.rate = rates[index] ?? 1
}
