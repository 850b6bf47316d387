/** Asks the nodes what they are, chooses a source for each, and samples them, once or window by window. */
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { HotKeysRun, NodeSource } from '../../hotkeys/report.js'
import type { NodeRanking } from '../../hotkeys/sampled.js'
import { exactKeysOf } from '../../hotkeys/tally.js'
import type { Topology } from '../../ring/topology.js'
import type { BurstSource, RankingSource } from './ports.js'
import { preflight } from './preflight.js'
import {
  ratesOf,
  type SamplePorts,
  type SampleRequest,
  type SampleWindow,
  sampleNodes,
} from './sample-nodes.js'
import { SampledNode } from './sampled-node.js'

export interface SamplerRequest extends SampleRequest {
  readonly topology: Topology
  /** Also where a main thread is busy. */
  readonly force: boolean
  /** Rights without which nothing is sampled. */
  readonly neededRights: readonly string[]
}

/** A node's source. */
export type ChosenSource = { readonly reason: string } & (
  | { readonly kind: 'bursts'; readonly source: BurstSource }
  | { readonly kind: 'ranking'; readonly source: RankingSource }
)

export interface SamplerPorts extends SamplePorts {
  /** Called when a node's facts are known. Errors: `refused`. */
  sourceFor(facts: NodeFacts): Promise<ChosenSource>
}

export interface SamplerWindow extends SampleWindow {
  /** Begins without what was counted before. */
  readonly isFresh: boolean
}

interface RankedNode {
  readonly facts: NodeFacts
  readonly source: RankingSource
}

export class Sampler {
  private constructor(
    private readonly request: SamplerRequest,
    private readonly ports: SamplerPorts,
    private readonly nodes: readonly SampledNode[],
    private readonly ranked: readonly RankedNode[],
    private readonly reasons: ReadonlyMap<string, string>,
  ) {}

  /** Errors: `unreachable`; `refused` where rights are missing, a node is too busy, or no source works. */
  static async open(request: SamplerRequest, ports: SamplerPorts): Promise<Sampler> {
    const { probe, progress } = ports
    progress.update('looking at the nodes')
    try {
      const checked = await Promise.all(
        request.topology.nodes.map(async (node) => ({ node, facts: await probe.facts(node.id) })),
      )
      preflight(checked, request)
      const counting = { threshold: request.threshold, exactKeys: exactKeysOf(checked.length) }
      const nodes: SampledNode[] = []
      const ranked: RankedNode[] = []
      const reasons = new Map<string, string>()
      for (const { facts } of checked) {
        const chosen = await ports.sourceFor(facts)
        reasons.set(facts.node, chosen.reason)
        if (chosen.kind === 'bursts') nodes.push(new SampledNode(facts, chosen.source, counting))
        else ranked.push({ facts, source: chosen.source })
      }
      return new Sampler(request, ports, nodes, ranked, reasons)
    } finally {
      progress.end()
    }
  }

  async run(window: SamplerWindow, signal: AbortSignal): Promise<HotKeysRun> {
    const { nodes, ranked, request, ports } = this
    for (const node of nodes) node.beginWindow(window.isFresh)
    const startedMs = ports.clock.nowMs()
    const startedAtMs = ports.clock.wallMs()
    try {
      const [outcome, rankings] = await Promise.all([
        sampleNodes(nodes, request, window, ports, signal),
        rank(ranked, window.maxMs, signal),
      ])
      const seconds = (ports.clock.nowMs() - startedMs) / 1000
      return {
        tallies: nodes.map(({ tally }) => tally),
        opsPerSec: this.rates(),
        rankings: rankings.map((ranking) => topOf(ranking, request.top)),
        ...{ startedAtMs, seconds, ...outcome, interrupted: signal.aborted },
        cost: {
          share: seconds > 0 ? Math.max(0, ...nodes.map((node) => node.costMicros)) / 1e6 / seconds : 0,
          isMeasured: nodes.length > 0 && nodes.every((node) => node.isMeasured),
          serverMs: nodes.reduce((sum, node) => sum + node.costMicros, 0) / 1000,
        },
        sources: this.sources(),
      }
    } finally {
      ports.progress.end()
    }
  }

  private rates(): Map<string, number> {
    return new Map([
      ...ratesOf(this.nodes),
      ...this.ranked.map(({ facts }) => [facts.node, facts.opsPerSec] as const),
    ])
  }

  private sources(): NodeSource[] {
    const reason = (node: string) => this.reasons.get(node) ?? ''
    return [
      ...this.nodes.map(({ facts: { node }, source, backOff }) => ({
        ...{ node, source: source.name, reason: reason(node), notes: source.notes, budgetPart: backOff.part },
      })),
      ...this.ranked.map(({ facts: { node }, source }) => ({
        ...{ node, source: source.name, reason: reason(node), notes: [], budgetPart: 1 },
      })),
    ]
  }
}

function topOf({ keys, also, ...ranking }: NodeRanking, top: number): NodeRanking {
  const cut = { ...ranking, keys: keys.slice(0, top) }
  return also ? { ...cut, also: { ...also, keys: also.keys.slice(0, top) } } : cut
}

/** A server that ranks by itself does so beside the others; walks over keys take turns, with a part of the time each. */
async function rank(
  ranked: readonly RankedNode[],
  maxMs: number,
  signal: AbortSignal,
): Promise<NodeRanking[]> {
  const walked = ranked.filter(({ source }) => source.name === 'lfu')
  const own = ranked.filter(({ source }) => source.name !== 'lfu')
  const ask = ({ facts, source }: RankedNode, durationMs: number) =>
    source.rank(facts.node, { durationMs, signal })
  const walks = async () => {
    const rankings: NodeRanking[] = []
    for (const each of walked) rankings.push(await ask(each, maxMs / walked.length))
    return rankings
  }
  const [walkedRankings, ...ownRankings] = await Promise.all([
    walks(),
    ...own.map((each) => ask(each, maxMs)),
  ])
  return [...ownRankings, ...walkedRankings]
}
