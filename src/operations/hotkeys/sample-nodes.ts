/** Bursts, one node at a time, in random order and at random times, until enough is known. */
import type { Clock } from '../../clock.js'
import { sampleRates } from '../../hotkeys/allocation.js'
import type { Budget } from '../../hotkeys/burst-schedule.js'
import { type Estimate, estimate } from '../../hotkeys/estimate.js'
import { isSettled } from '../../hotkeys/stop-rule.js'
import type { Random } from '../../random.js'
import type { ProgressPort } from '../ports.js'
import type { NodeProbePort } from './ports.js'
import type { SampledNode } from './sampled-node.js'

export interface SampleRequest {
  readonly budget: Budget
  readonly threshold: number
  readonly top: number
}

export interface SampleWindow {
  readonly maxMs: number
  /** Also before the time is over. */
  readonly stopsWhenKnown: boolean
}

export interface SamplePorts {
  readonly probe: NodeProbePort
  readonly clock: Clock
  readonly random: Random
  readonly progress: ProgressPort
}

export interface SampleOutcome {
  readonly estimate: Estimate
  readonly settled: boolean
  readonly firstCertainSeconds?: number
}

const checkEveryMs = 500
/** An answer from hardly more samples is the same one. */
const checkedGrowth = 1.05
/** A bound on time: nothing new comes from more. */
const maxSamples = 2_000_000

export async function sampleNodes(
  nodes: readonly SampledNode[],
  request: SampleRequest,
  window: SampleWindow,
  { probe, clock, random, progress }: SamplePorts,
  signal: AbortSignal,
): Promise<SampleOutcome> {
  const startedMs = clock.nowMs()
  const endMs = startedMs + window.maxMs
  let checked = { atMs: startedMs, samples: 0 }
  let certain: Pick<SampleOutcome, 'firstCertainSeconds'> = {}
  while (nodes.length > 0 && !signal.aborted && clock.nowMs() < endMs) {
    const nowMs = clock.nowMs()
    const due = nodes.filter((node) => node.dueMs <= nowMs)
    const chosen = due[random.below(due.length)]
    if (chosen) await chosen.burst(probe, { budget: request.budget, clock, random })
    else await pause(Math.min(...nodes.map((node) => node.dueMs), endMs) - nowMs)
    const sampled = nodes.reduce((sum, { tally }) => sum + tally.samples, 0)
    if (sampled >= maxSamples) break
    const seconds = (clock.nowMs() - startedMs) / 1000
    progress.update(
      `sampled ${Math.round(sampled).toLocaleString('en')} commands in ${Math.floor(seconds)} s`,
    )
    if (clock.nowMs() - checked.atMs < checkEveryMs || sampled < checkedGrowth * checked.samples) continue
    const known = estimateOf(nodes, request)
    if (known.certainCount > 0) certain = { firstCertainSeconds: seconds, ...certain }
    const settled = isSettled(known, ratesOf(nodes))
    if (settled && window.stopsWhenKnown) return { estimate: known, settled, ...certain }
    allocate(nodes, known)
    checked = { atMs: clock.nowMs(), samples: sampled }
  }
  const known = estimateOf(nodes, request)
  return { estimate: known, settled: isSettled(known, ratesOf(nodes)), ...certain }

  function pause(ms: number): Promise<void> {
    return clock.sleep(Math.max(0, ms), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

function estimateOf(nodes: readonly SampledNode[], { threshold, top }: SampleRequest): Estimate {
  return estimate(
    nodes.map((node) => node.tally),
    { threshold, top, opsPerSec: ratesOf(nodes) },
  )
}

export function ratesOf(nodes: readonly SampledNode[]): Map<string, number> {
  return new Map(nodes.map((node) => [node.facts.node, node.opsPerSec]))
}

/** A half width of 95 % times the root of the samples behind it: what one sample deviates, waves included. */
function allocate(nodes: readonly SampledNode[], { open }: Estimate): void {
  const rates = sampleRates(
    nodes.map((node) => {
      const { samples } = node.tally
      return {
        opsPerSec: node.opsPerSec,
        deviation: (open.get(node.facts.node)?.halfWidth ?? 0) * Math.sqrt(samples),
        costMicros: node.costMicros / Math.max(1, samples),
      }
    }),
  )
  for (const [index, node] of nodes.entries()) node.rate = rates[index] ?? 1
}
