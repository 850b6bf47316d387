/** Where samples of a node's commands come from. Nodes by id. */
import type { NodeRanking, SampledBurst, SourceName } from '../../hotkeys/sampled.js'
import type { BurstLimits } from '../ports.js'

/** A source that shows single commands, burst by burst. */
export interface BurstSource {
  readonly name: SourceName
  /** What may be read out of a command's count: every command, or writes only. */
  readonly sees: 'commands' | 'writes'
  /** What this source leaves out and how it counts: for people, known after the first burst. */
  readonly notes: readonly string[]
  burst(
    node: string,
    limits: BurstLimits,
  ): Promise<SampledBurst & { readonly bytes: number; readonly costMicros?: number }>
  /** Leaves nothing behind on the node. */
  close(): Promise<void>
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
