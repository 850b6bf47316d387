/** The world as the search for hot keys sees it. Nodes by id. */
import type { LoadReading } from '../../hotkeys/cost-model.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { NodeRanking, SampledBurst, SourceName } from '../../hotkeys/sampled.js'
import type { KeyFacts } from '../../hotkeys/suggestions.js'

/** Whichever is reached first ends a burst. */
export interface BurstLimits {
  readonly maxLines: number
  readonly maxBytes: number
  readonly maxMs: number
}

/** A source that shows single commands, burst by burst. */
export interface BurstSource {
  readonly name: SourceName
  /** What may be read out of a command's count: every command, or writes only (tracking). */
  readonly sees: 'commands' | 'writes'
  /** What this source leaves out and how it counts: for people, known after the first burst. */
  readonly notes: readonly string[]
  /** `bytes` came over the wire; `costMicros` is what it cost the server by the seed of the cost model. */
  burst(
    node: string,
    limits: BurstLimits,
  ): Promise<SampledBurst & { readonly bytes: number; readonly costMicros?: number }>
  /** Leaves nothing behind on the node. */
  close(): Promise<void>
}

/** A saved log as a source: it ends, and its time is that of its lines. */
export interface LogPort extends BurstSource {
  /** No burst comes any more. */
  readonly isAtEnd: boolean
  /** Of the lines so far, ms: what a rate is counted over. */
  readonly spanMs: number
  readonly commandCount: number
}

/** A source that has a ranking already. */
export interface RankingSource {
  readonly name: SourceName
  /** An abort ends it early, with what is known by then. */
  rank(
    node: string,
    options: { readonly durationMs: number; readonly signal: AbortSignal },
  ): Promise<NodeRanking>
  close(): Promise<void>
}

/** Looks at nodes from outside. Errors: `unreachable`, naming the node. */
export interface NodeProbePort {
  /** Takes half a second. */
  facts(node: string): Promise<NodeFacts>
  load(node: string): Promise<LoadReading>
}

/** Asks a node about a few keys. */
export interface DescribePort {
  /** In the order of the keys. What the user may not ask is left out; so are keys of a node that does not answer. */
  describe(node: string, keys: readonly Buffer[]): Promise<KeyFacts[]>
}
