/**
 * The world as the operations see it. Adapters in redis/, files/ and lab/ implement these; commands wire them.
 * One interface per capability, each with its own paragraph below.
 */
import type { NodeSpec } from '../ring/topology.js'

/** A node together with its secret, which never enters the topology value. */
export interface NodeAccess {
  readonly node: NodeSpec
  readonly password?: string
}

/** Progress of long work; the terminal's writer shows it on a TTY only, on stderr. */
export interface ProgressPort {
  /** Replaces the current line; `text` is safe to print. */
  update(text: string): void
  /** Ends the line: work finished or stopped. */
  end(): void
}

/** What a node says about itself, or why it does not. */
export type NodeFacts =
  | ({ readonly reachable: true } & ServerFacts)
  | { readonly reachable: false; readonly problem: string }

export interface ServerFacts {
  /** `Redis 7.0.15`, `Valkey 8.0.1`. */
  readonly version: string
  readonly runId: string
  readonly role: 'master' | 'replica'
  readonly keyCount: number
  readonly usedMemoryBytes: number
  /** 0: no limit. */
  readonly maxmemoryBytes: number
  readonly evictionPolicy: string
  readonly connectedReplicas: number
  readonly maxClients: number
  /** The server's clock minus ours; half a round trip of error. */
  readonly clockOffsetMs: number
  /** Mean over a sample of keys; 0 where there are none. */
  readonly keyBytes: number
}

export interface NodeFactsPort {
  factsOf(nodes: readonly NodeSpec[]): Promise<NodeFacts[]>
}

export type LabNodeState = 'started' | 'running' | 'stopped' | 'stale' | 'foreign' | 'down' | 'remote'

export interface LabNode {
  readonly id: string
  readonly address: string
  readonly state: LabNodeState
  readonly pid?: number
}

export interface LabResult {
  readonly schema: 'cachectl/lab/v1'
  readonly topology: string
  readonly server?: string
  readonly nodes: readonly LabNode[]
}

/** What became of a batch of keys. Keys that were gone at the source (expired, deleted) are counted nowhere. */
export interface MoveOutcome {
  readonly movedCount: number
  readonly movedBytes: number
  /** Keys that hold something else at the target; both copies were left alone. */
  readonly conflicts: readonly Buffer[]
}

/** The keys of nodes, found and carried; nodes by id. */
export interface KeysPort {
  /** All data keys of a node, in batches; a key that stays throughout is yielded at least once. */
  scan(node: string): AsyncIterable<Buffer[]>
  /** Carries keys by the fenced copy: in a crash at any moment the source or the target holds each key, or both do. */
  move(batch: { source: string; target: string; keys: readonly Buffer[] }): Promise<MoveOutcome>
  /** For each key whether the node has it. */
  exist(node: string, keys: readonly Buffer[]): Promise<boolean[]>
}
