/**
 * The world as the operations see it. Adapters in redis/, files/ and lab/ implement these; commands wire them.
 * One interface per capability, each with its own paragraph below.
 */
import type { CommandAccess, MonitoredRequest } from '../hotkeys/monitored-requests.js'
import type { RunCounts } from '../measure/run-counts.js'
import type { Series } from '../measure/series.js'
import type { NodeSpec, Topology } from '../ring/topology.js'
import type { SourceSpec } from '../workload/requests.js'
import type { StrategySpec } from '../workload/strategy.js'
import type { OperationSpec, PhaseSpec, SourceOfTruthSpec, WarmupSpec } from '../workload/workload.js'

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
  | { readonly reachable: false; readonly problem: string; readonly remedy?: string }

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
  /** Since the server started. */
  readonly evictedKeys: number
  /** Threads for sockets; null: the user may not read the configuration. */
  readonly ioThreads: number | null
  readonly appendOnly: boolean
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
  /** Left where they are: too big to go with others. */
  readonly big: readonly Buffer[]
}

/** The keys of nodes, found and carried; nodes by id. */
export interface KeysPort {
  /** All data keys of a node, in pages of about so many (1,000); a key that stays throughout is yielded at least once. */
  scan(node: string, pageKeys?: number): AsyncIterable<Buffer[]>
  /** Carries keys by the fenced copy: in a crash at any moment the source or the target holds each key, or both do. */
  move(batch: { source: string; target: string; keys: readonly Buffer[] }): Promise<MoveOutcome>
  /** Carries one big key, by chunks. */
  moveBig(move: { source: string; target: string; key: Buffer }): Promise<MoveOutcome>
  /** Big keys of a node that a client waits to write; each is told once. */
  wanted(node: string): Promise<Buffer[]>
  /** Removes from a node what killed runs have left half-made; nobody else may be moving keys to it. */
  sweep(node: string): Promise<void>
  /** Removes keys from a node. */
  unlink(node: string, keys: readonly Buffer[]): Promise<void>
  /** For each key whether the node has it. */
  exist(node: string, keys: readonly Buffer[]): Promise<boolean[]>
}

/** The keys of a load; a trace's names lie in shared memory. */
export type LoadKeysSpec =
  | {
      readonly kind: 'numbered'
      readonly prefix: string
      /** Keys that are there at the start. */
      readonly count: number
      /** Numbers there can be, those of inserted keys among them; all keys have the digits of the largest. */
      readonly capacity: number
      /** Bytes of the whole key, drawn by the key's number from this table; absent: prefix and number. */
      readonly lengths?: Uint16Array
    }
  | {
      readonly kind: 'named'
      readonly prefix: string
      /** All names, one after the other; name i ends before `ends[i]`. */
      readonly names: Uint8Array
      readonly ends: Uint32Array
    }

/**
 * A load: the requests of a source, sent by the phases' rates. In a closed loop `connections × pipeline` requests are
 * under way; in an open one as many as are due and not answered. Limits of 0 mean none.
 */
export interface LoadRequest {
  readonly topology: Topology
  readonly keys: LoadKeysSpec
  readonly operations: readonly OperationSpec[]
  readonly source: SourceSpec
  readonly seed: number
  readonly connections: number
  readonly pipeline: number
  readonly threads: number
  readonly warmup: WarmupSpec
  readonly phases: readonly PhaseSpec[]
  /** Requests of the measured phases, in all. */
  readonly requestLimit: number
  /** Open loop: requests sent and not answered; those due beyond it wait to be sent. */
  readonly maxInFlight: number
  /** Open loop: `exact` spins on a core while a request is due within 2 ms, `low-cpu` sleeps by timers of 1 ms. */
  readonly pace: 'exact' | 'low-cpu'
  /** Values carry their key, their version and a checksum, and every value read is looked through. */
  readonly verify: boolean
  readonly sourceOfTruth?: SourceOfTruthSpec
  /** Ask the nodes for memory, evictions and CPU every second. */
  readonly watchNodes: boolean
  /** This generator's part of the load: so many run the same request at the same time. Absent: all of it. */
  readonly share?: LoadShare
  /** Through the cache library, by processes in place of threads; absent: straight to the nodes. */
  readonly strategy?: StrategySpec
}

export interface LoadShare {
  readonly index: number
  readonly count: number
}

export interface LoadProgress {
  readonly label: string
  readonly passedMs: number
  readonly answered: number
  /** Of the measured phases so far. */
  readonly series?: Series
}

export interface LoadPort {
  /** An abort ends the run early; what was measured until then is returned. */
  run(
    request: LoadRequest,
    options: {
      signal: AbortSignal
      onProgress(progress: LoadProgress): void
      onInterval?(interval: LoadInterval): void
      /** Everything is connected; the load starts when it has resolved. */
      beforeStart?(): Promise<void>
    },
  ): Promise<RunCounts>
}

/** Two loads in turns, A B B A, so that a machine that drifts drifts under both. */
export interface TurnsPort {
  /**
   * A pair at a time; `pairs` says of each how many turns of `turnMs` either side has. It ends early on an abort, and where
   * a load has nothing more to send.
   */
  run(
    requests: { readonly a: LoadRequest; readonly b: LoadRequest },
    options: { readonly turnMs: number; readonly pairs: readonly number[]; readonly signal: AbortSignal },
  ): AsyncIterable<{ readonly a: RunCounts; readonly b: RunCounts }>
}

/** What was answered in one interval of the measured phases: counts a slot for each operation, as the main latency. */
export interface LoadInterval {
  readonly startSec: number
  readonly seconds: number
  readonly histograms: readonly ArrayLike<number>[]
  /** The same for each node, of all operations. */
  readonly nodeHistograms: readonly ArrayLike<number>[]
}

/** All that nodes execute, command by command: MONITOR on a connection of its own for each. Nodes by id. */
export interface MonitorFeedPort {
  /** Asked before the feeds are opened, so that it is in none. */
  survey(node: string): Promise<NodeTraffic>
  /**
   * Resolves when the server has confirmed. Raw lines hold values, which the caller must not decode. `bytes` came in
   * since the last call, those of a line that is not whole yet among them.
   */
  open(node: string, onLines: (lines: readonly Buffer[], bytes: number) => void): Promise<MonitorFeed>
}

export interface MonitorFeed {
  /** Resolves when it was closed by us; rejects with `unreachable` when the connection was lost. */
  readonly ended: Promise<void>
  close(): void
}

/** Where a recorded trace goes: a line a request. */
export interface TraceSink {
  /** Whether a line can hold the key. */
  accepts(key: Buffer): boolean
  /** In order of time. Resolves when the next may be written. Errors: `stopped`. */
  write(rows: readonly RecordedRow[]): Promise<void>
  /** Completes the file. Errors: `stopped`. */
  close(): Promise<void>
}

export interface RecordedRow extends MonitoredRequest {
  /** µs since the Unix epoch. */
  readonly atMicros: number
  /** A connection's number. */
  readonly client: number
}

export interface NodeTraffic {
  readonly opsPerSec: number
  readonly inputBytesPerSec: number
  /** The node's clock minus ours, ms; 0 where they differ by no more than can be measured. */
  readonly clockOffsetMs: number
  readonly commands: CommandAccess
}

/** A connection that somebody has to a node. */
export interface FleetConnection {
  readonly node: string
  /** The server's number for it. */
  readonly id: number
  /** As the client named itself; may be empty, and is not to be trusted. */
  readonly name: string
  readonly address: string
}

/** The nodes of a live change, all of them, as the operator sees them. Errors name the node. */
export interface FleetPort {
  /**
   * From here on the nodes obey this token only, and no connection of another operator is left. A smaller token than
   * they obey is refused, unless forced.
   */
  takeOver(lease: { readonly token: number; readonly force: boolean }): Promise<void>
  /**
   * Raises the gate of each, and waits until so many replicas of each know; a gate never falls. Refused by a node that
   * obeys another token.
   */
  raiseGates(
    nodes: readonly string[],
    gate: { epoch: number; replicas: number; token: number },
  ): Promise<void>
  /** The highest gate of all nodes; 0 where none has one. */
  highestGate(): Promise<number>
  /**
   * Takes what is ours off nodes that have left the ring, and ends the connections that ring clients still have there.
   * A node that another operator has taken over meanwhile is left alone.
   */
  forget(nodes: readonly string[], token: number): Promise<void>
  /** Everybody's connections but operators', to all nodes. */
  connections(): Promise<FleetConnection[]>
  kill(connections: readonly FleetConnection[]): Promise<void>
  /** For each node whose user may not do what a change needs: the rights that are missing, as ACL SETUSER takes them. */
  missingRights(): Promise<Readonly<Record<string, readonly string[]>>>
  /** What write-behind caches have on a node: entries that wait for their source, and those they have given up. */
  entriesAt(node: string): Promise<{ readonly pending: number; readonly dead: number }>
  /** The time of one round trip to a node, ms. */
  probe(node: string): Promise<number>
}

/** Steps of a change, on disk before they are taken. */
export interface JournalPort {
  record(step: string, details?: Readonly<Record<string, string | number>>): Promise<void>
}
