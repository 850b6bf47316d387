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
 * One small register that is linearizable, a lease, a list of clients, and a notice board. Every store passes
 * test/control/contract.ts. Errors: `unreachable` when the store does not answer: what was asked of it may have been done
 * or not, and only reading tells; `refused` for a lease that somebody else holds, and for what is not a ring's state.
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
  /** Who holds the lease now; of one that has just died perhaps still for some seconds. */
  leaseHolder(): Promise<string | undefined>
  /** Registers, gives a sign of life, or acks: the record replaces the one with its id. */
  putClient(client: ClientRecord): Promise<void>
  removeClient(id: string): Promise<void>
  clients(): Promise<ClientRecord[]>
  /** A board for small texts between people and operators, on which nothing safe rests. undefined takes it off. */
  putNotice(name: string, text: string | undefined): Promise<void>
  notice(name: string): Promise<string | undefined>
  close(): Promise<void>
}

/**
 * A board in the control store where machines meet that take part in one run: texts by names such as `agents/web-1`, on
 * which nothing safe rests. Every store passes test/control/meeting-contract.ts. Errors: `unreachable`, `refused`.
 */
export interface MeetingPort {
  /** For messages: a path or a URL without secrets. */
  readonly place: string
  /** At most `maxMeetingTextBytes`; gone by itself, not before `ttlSeconds` have passed and soon after twice that. */
  put(name: string, text: string, ttlSeconds: number): Promise<void>
  get(name: string): Promise<string | undefined>
  /** All whose name starts with the prefix, in the order of names. */
  list(prefix: string): Promise<{ readonly name: string; readonly text: string }[]>
  /** All whose name starts with the prefix. */
  remove(prefix: string): Promise<void>
  close(): Promise<void>
}

/** etcd takes requests of 1.5 MiB, in which a text is a third longer. */
export const maxMeetingTextBytes = 512 * 1024

/** How the connections of a ring client are called: `cc:<client>:<session>`. */
export const clientPrefix = 'cc:'
/** How an operator's connections are called: `cc-op:<operator>`. */
export const operatorPrefix = 'cc-op:'

/** How our short looks at a node are called; nobody needs to wait for them. */
export const lookName = 'cc-look'

/** How connections to a control store are called, which may be a server that holds keys too. */
export const controlName = 'cc-control'

/** The ring client that a connection's name tells; undefined: one that does not follow the control store. */
export function clientOf(connectionName: string): string | undefined {
  return connectionName.startsWith(clientPrefix) ? connectionName.split(':')[1] : undefined
}
