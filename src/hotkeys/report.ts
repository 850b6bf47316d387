/** The answer about hot keys as a value: what `--json` prints, and what screens, metrics and later commands read. */
import type { Estimate, HotKey } from './estimate.js'
import { hotCommands } from './keyless.js'
import { type Misplaced, misplacedKeys } from './misplaced.js'
import { hotPrefixes } from './prefixes.js'
import type { KeyNames, ShownKey } from './redaction.js'
import { type KeyContext, type ReportedKey, reportedKey } from './reported-key.js'
import type { NodeRanking, SourceName, WeightUnit } from './sampled.js'
import { frontKeys, hottestLoads, type RingPlacement, type Skew, skewOf } from './skew.js'
import { isAskedInVain } from './suggestions.js'
import type { Tally } from './tally.js'

/** What sampling has brought. */
export interface HotKeysRun {
  readonly tallies: readonly Tally[]
  readonly estimate: Estimate
  /** Commands a second of each node, by id. */
  readonly opsPerSec: ReadonlyMap<string, number>
  /** Milliseconds since the Unix epoch; a log tells none. */
  readonly startedAtMs?: number
  readonly seconds: number
  /** Share of the time of the node that was sampled most. */
  readonly cost: SamplingCost
  readonly sources: readonly NodeSource[]
  /** Of nodes whose source ranks by itself; those have no samples. */
  readonly rankings: readonly NodeRanking[]
  /** Until the first key was certain; absent while there is none. */
  readonly firstCertainSeconds?: number
  /** More samples would not change the answer. */
  readonly settled: boolean
  readonly interrupted: boolean
}

export interface SamplingCost {
  readonly share: number
  /** By the servers' own CPU times; otherwise by the model of what a command costs. */
  readonly isMeasured: boolean
  /** Server time in all, all nodes together, ms. */
  readonly serverMs: number
}

export interface NodeSource {
  readonly node: string
  readonly source: SourceName
  /** Why this one, and why not those that would be better. */
  readonly reason: string
  /** What is left of its budget: less than 1 after its rate has fallen in bursts. */
  readonly budgetPart: number
  /** How the source counts, what it leaves out. */
  readonly notes: readonly string[]
}

export interface ReportContext extends KeyContext {
  readonly topology: string
  readonly budget: number
  readonly threshold: number
  readonly placement: RingPlacement
  /** Fails above this share of a node. */
  readonly failAbove?: number
}

export interface HotKeysReport {
  readonly schema: 'cachectl/hotkeys/v2'
  readonly topology: string
  /** Share of a node's commands. */
  readonly threshold: number
  /** ISO 8601, UTC. */
  readonly startedAt: string | null
  readonly seconds: number
  readonly firstCertainSeconds: number | null
  readonly settled: boolean
  readonly interrupted: boolean
  readonly samples: number
  readonly bursts: number
  readonly opsPerSec: number
  readonly sampling: {
    readonly cost: SamplingCost
    readonly budget: number
    readonly nodes: readonly (NodeSource & {
      readonly samples: number
      readonly bursts: number
      readonly opsPerSec: number
    })[]
  }
  readonly certainCount: number
  readonly possibleCount: number
  /** No other key has a larger share of its node, at 95 %. */
  readonly upperBound: number
  readonly keys: readonly ReportedKey[]
  /** Of the keys those that are read and not there; most asked for first. */
  readonly missing: readonly (ShownKey & { readonly opsPerSec: number })[]
  /** Hot commands without keys; busiest first. */
  readonly keyless: readonly {
    readonly node: string
    readonly command: string
    readonly share: number
    readonly shareLow: number
    readonly shareHigh: number
    readonly opsPerSec: number
  }[]
  /** Shares of the ring. */
  readonly prefixes: readonly {
    readonly prefix: string
    readonly prefixBase64: string | null
    readonly share: number
    readonly ownShare: number
    readonly keyCount: number
  }[]
  readonly rankings: readonly ReportedRanking[]
  readonly skew: Skew | null
  readonly misplaced: {
    readonly nodes: Misplaced['nodes']
    readonly keys: readonly (ShownKey & {
      readonly node: string
      readonly owner: string
      readonly seen: number
    })[]
  }
  /** Of `--watch`: were hot in the last seconds. */
  readonly gone?: readonly (ShownKey & { readonly goneMs: number })[]
  readonly failAbove?: { readonly share: number; readonly passed: boolean }
}

/** A node's own ranking: a weight is no rate, and has no interval. */
export interface ReportedRanking {
  readonly node: string
  readonly source: SourceName
  readonly unit: WeightUnit
  readonly notes: readonly string[]
  /** Heaviest first. */
  readonly keys: readonly (ShownKey & { readonly weight: number; readonly share?: number })[]
}

export function hotKeysReport(run: HotKeysRun, context: ReportContext): HotKeysReport {
  const { estimate, tallies, opsPerSec } = run
  const { names, facts, threshold, placement, trend, failAbove } = context
  const ringOps = sum(opsPerSec.values())
  const front = hottestLoads(tallies, opsPerSec, frontKeys(opsPerSec.size))
  const hotKeys = new Map(estimate.keys.map(({ name, ring }) => [name, ring.value]))
  const misplaced = misplacedKeys(tallies, placement.owner)
  return {
    schema: 'cachectl/hotkeys/v2',
    topology: context.topology,
    threshold,
    startedAt: run.startedAtMs === undefined ? null : new Date(run.startedAtMs).toISOString(),
    seconds: run.seconds,
    firstCertainSeconds: run.firstCertainSeconds ?? null,
    settled: run.settled,
    interrupted: run.interrupted,
    samples: Math.round(estimate.samples),
    bursts: Math.round(estimate.bursts),
    opsPerSec: ringOps,
    sampling: { cost: run.cost, budget: context.budget, nodes: sampledNodes(run) },
    certainCount: estimate.certainCount,
    possibleCount: estimate.possibleCount,
    upperBound: estimate.upperBound,
    keys: estimate.keys.map((key) => reportedKey(key, context)),
    missing: estimate.keys
      .filter((key) => isAskedInVain(key, facts.get(key.name)))
      .map((key) => ({ ...names.key(key.name), opsPerSec: key.opsPerSec.value })),
    keyless: hotCommands(tallies, { threshold, opsPerSec }).map(({ share, ...rest }) => ({
      ...rest,
      ...{ share: share.value, shareLow: share.low, shareHigh: share.high },
    })),
    prefixes: hotPrefixes(tallies, { threshold, hotKeys, weightOf: nodeWeights(run) }).map(
      ({ prefix, ...shares }) => {
        const shown = names.prefix(prefix)
        return { prefix: shown.key, prefixBase64: shown.keyBase64, ...shares }
      },
    ),
    rankings: run.rankings.flatMap((ranking) => reportedRankings(ranking, names)),
    skew: skewOf({ opsPerSec, keys: front, hotKeys: new Set(hotKeys.keys()), placement }) ?? null,
    misplaced: {
      nodes: misplaced.nodes,
      keys: misplaced.keys.map(({ name, ...rest }) => ({ ...names.key(name), ...rest })),
    },
    ...(trend ? { gone: trend.gone.map(({ name, goneMs }) => ({ ...names.key(name), goneMs })) } : {}),
    ...(failAbove === undefined
      ? {}
      : { failAbove: { share: failAbove, passed: !estimate.keys.some((key) => isAbove(key, failAbove)) } }),
  }
}

function reportedRankings(ranking: NodeRanking, names: KeyNames): ReportedRanking[] {
  const { node, source, notes, also } = ranking
  return [ranking, ...(also ? [also] : [])].map(({ unit, keys }) => ({
    ...{ node, source, unit, notes },
    keys: keys.map(({ name, ...rest }) => ({ ...names.key(name), ...rest })),
  }))
}

function isAbove({ certainty, nodes }: HotKey, share: number): boolean {
  return certainty === 'certain' && nodes.some((node) => node.share.low > share)
}

/** A node's part of all commands; where no node says how many it has, by what was sampled. */
function nodeWeights({ opsPerSec, estimate }: HotKeysRun): (node: string) => number {
  const ringOps = sum(opsPerSec.values())
  const samples = new Map(estimate.nodes.map((node) => [node.node, node.samples / estimate.samples]))
  return (node) => (ringOps > 0 ? (opsPerSec.get(node) ?? 0) / ringOps : (samples.get(node) ?? 0))
}

function sampledNodes({ sources, estimate, opsPerSec }: HotKeysRun): HotKeysReport['sampling']['nodes'] {
  const sampled = new Map(estimate.nodes.map((node) => [node.node, node]))
  return sources.map((source) => ({
    ...source,
    samples: Math.round(sampled.get(source.node)?.samples ?? 0),
    bursts: Math.round(sampled.get(source.node)?.bursts ?? 0),
    opsPerSec: opsPerSec.get(source.node) ?? 0,
  }))
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
