/** Asks the nodes what they are, samples them within a budget, and estimates which keys are hot. */
import type { Estimate } from '../../hotkeys/estimate.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { SourceName } from '../../hotkeys/sampled.js'
import type { Topology } from '../../ring/topology.js'
import type { BurstSource } from './ports.js'
import { preflight } from './preflight.js'
import {
  estimateOf,
  ratesOf,
  SampledNode,
  type SamplePorts,
  type SampleRequest,
  sampleNodes,
} from './sample-nodes.js'

export interface HotKeysRequest extends SampleRequest {
  readonly topology: Topology
  /** Also where a main thread is busy. */
  readonly force: boolean
}

export interface HotKeysPorts extends SamplePorts {
  /** Which source a node is sampled by. Called when its facts are known and its rights are there. */
  sourceFor(facts: NodeFacts): Promise<BurstSource>
}

export interface HotKeysOutcome extends Estimate {
  readonly seconds: number
  readonly ringOpsPerSec: number
  /** Share of a node's main thread that sampling took, of the node where it took most. */
  readonly cost: SamplingCost
  readonly perNode: readonly NodeOutcome[]
  /** Enough was known before the time was over. */
  readonly settled: boolean
  readonly interrupted: boolean
}

export interface SamplingCost {
  /** As the servers' own CPU counters show it, where they do; else the model's. */
  readonly measured: number
  /** By the model alone. */
  readonly modelled: number
}

export interface NodeOutcome {
  readonly node: string
  readonly source: SourceName
  readonly cost: SamplingCost
  /** Part of the budget that was left after backing off, in [0.25, 1]. */
  readonly budgetPart: number
}

export async function findHotKeys(request: HotKeysRequest, ports: HotKeysPorts): Promise<HotKeysOutcome> {
  const { probe, clock, progress } = ports
  const nodes = request.topology.nodes
  progress.update('looking at the nodes')
  try {
    const checked = await Promise.all(
      nodes.map(async (node) => ({ node, facts: await probe.facts(node.id) })),
    )
    preflight(checked, request)
    const sampled = await Promise.all(
      checked.map(async ({ facts }) => new SampledNode(facts, await ports.sourceFor(facts))),
    )
    const startedMs = clock.nowMs()
    const settled = await sampleNodes(sampled, request, ports)
    return outcomeOf(sampled, request, {
      seconds: (clock.nowMs() - startedMs) / 1000,
      settled,
      interrupted: ports.signal.aborted,
    })
  } finally {
    progress.end()
  }
}

function outcomeOf(
  nodes: readonly SampledNode[],
  request: HotKeysRequest,
  run: Pick<HotKeysOutcome, 'seconds' | 'settled' | 'interrupted'>,
): HotKeysOutcome {
  const shareOf = (micros: number) => (run.seconds > 0 ? micros / 1e6 / run.seconds : 0)
  const perNode = nodes.map(({ facts, source, costMicros, modelledMicros, backOff }) => ({
    node: facts.node,
    source: source.name,
    cost: { measured: shareOf(costMicros), modelled: shareOf(modelledMicros) },
    budgetPart: backOff.part,
  }))
  return {
    ...estimateOf(nodes, request),
    ...run,
    ringOpsPerSec: [...ratesOf(nodes).values()].reduce((sum, ops) => sum + ops, 0),
    cost: {
      measured: Math.max(...perNode.map(({ cost }) => cost.measured)),
      modelled: Math.max(...perNode.map(({ cost }) => cost.modelled)),
    },
    perNode,
  }
}
