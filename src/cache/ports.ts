/** The world as the cache and the operator of a live change see it. Adapters are in control/ and redis/. */
import type { RingState } from '../ring/epoch.js'

/** A state as the store holds it; the revision changes with every write. */
export interface StoredState {
  readonly revision: string
  readonly state: RingState
}

/** A client of the ring, as it says about itself. */
export interface ClientRecord {
  /** Unique a process; part of its connections' names. */
  readonly id: string
  /** The epoch it serves; -1: none yet. */
  readonly ackedEpoch: number
  /** Wall time of its last sign of life, ms since the Unix epoch. A hint when to fence it; safety never rests on it. */
  readonly seenMs: number
  /** For people: `pid 812 on web-3`. */
  readonly origin: string
}

/** The right to change the ring. */
export interface Lease {
  /** Larger than that of every lease before: the nodes refuse work under a smaller one. */
  readonly token: number
  /** false: it is lost, and its holder must stop. */
  renew(): Promise<boolean>
  release(): Promise<void>
}

/**
 * One small register that is linearizable, a lease, and a list of clients. Every store passes test/control/contract.ts.
 * Errors: `unreachable` when the store does not answer, `refused` for a lease that somebody else holds.
 */
export interface ControlStore {
  /** For messages: a path or a URL without secrets. */
  readonly name: string
  load(): Promise<StoredState | undefined>
  /** Replaces exactly what was read (undefined: nothing). undefined: somebody else was first. */
  compareAndSwap(expected: StoredState | undefined, next: RingState): Promise<StoredState | undefined>
  /** The present state, if any, then every later one; of several in a row perhaps only the last. */
  watch(signal: AbortSignal): AsyncIterable<StoredState>
  /** `holder` is told to whoever comes second. */
  acquireLease(holder: string): Promise<Lease>
  /** Registers, gives a sign of life, or acks: the record replaces the one with its id. */
  putClient(client: ClientRecord): Promise<void>
  removeClient(id: string): Promise<void>
  clients(): Promise<ClientRecord[]>
  close(): Promise<void>
}

/** How the connections of a ring client are called: `cc:<client>:<session>`. */
export const clientPrefix = 'cc:'
/** How an operator's connections are called: `cc-op:<operator>`. */
export const operatorPrefix = 'cc-op:'

/** How our short looks at a node are called; nobody needs to wait for them. */
export const lookName = 'cc-look'

/** The ring client that a connection's name tells; undefined: one that does not follow the control store. */
export function clientOf(connectionName: string): string | undefined {
  return connectionName.startsWith(clientPrefix) ? connectionName.split(':')[1] : undefined
}
