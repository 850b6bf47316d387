/** The world as the cache and the operator of a live change see it. Adapters are in control/ and redis/. */
import type { HotSet } from '../hotkeys/hot-set.js'
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
  /** Replaces exactly what was read (undefined: nothing). false: somebody else was first. */
  replaceNotice(name: string, expected: string | undefined, text: string): Promise<boolean>
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

/**
 * How long a node's word holds. Until `untilMs` (monotonic) the node has proved that we have heard of every change of what
 * was read over one tracked connection: answers and invalidations come in order, so that each answer proves it for a
 * fixed time from the moment its command was sent. Of a lost connection it is 0 for ever. One object a connection.
 */
export interface Vouch {
  readonly untilMs: number
}

/** What stands under a key at its node, as one request found it. */
export type L2Found =
  | {
      readonly kind: 'value'
      readonly value: StoredValue
      readonly vouch: Vouch | undefined
      readonly replica?: ReplicaWord
    }
  /** Nothing: our lease stands there now, and a fill under its token will be taken. */
  | { readonly kind: 'leased'; readonly vouch: Vouch | undefined }
  /** Somebody else's lease; at the latest in so many ms it is over, and `isTold`: `listen` hears of it at once. */
  | { readonly kind: 'busy'; readonly leftMs: number; readonly isTold: boolean }
  /** A writer is between the database and the cache: ask the source of truth, and fill nothing. */
  | { readonly kind: 'marked' }
  /** Nothing, and no lease was wanted. */
  | { readonly kind: 'absent' }

export interface StoredValue {
  /** Names this fill among all fills of the key: the server's clock, 16 digits of µs. */
  readonly stamp: string
  /** What the cache has put there. */
  readonly body: Buffer
  /** Until the key expires, by its server; infinite without an expiry. */
  readonly leftMs: number
  /** Put by write-behind, and not in the source of truth yet: newer than all that can be loaded. */
  readonly isPending: boolean
}

/**
 * Whether the answer may be kept or waited for: then its node must tell of what becomes of the key. Without it a ring whose
 * every read is told of does so anyway; another one vouches for nothing.
 */
export interface Telling {
  readonly isTold?: boolean
}

export interface L2Lease extends Telling {
  /** Ours, unique. */
  readonly token: string
  /** 0: none is wanted. */
  readonly leaseMs: number
}

/** A value under a lease. */
export interface L2Fill extends Telling {
  readonly token: string
  readonly body: Buffer
  readonly ttlMs: number
}

/** A value in place of the one with that stamp. */
export interface L2Refill extends L2Fill {
  readonly stamp: string
}

/**
 * A replica told the value. Of its changes nobody tells; it was its node's at some moment later than a second before
 * `untilMs`, so that nobody may be given it after that.
 */
export interface ReplicaWord extends Vouch {
  /** The value is of no use: the key is read at its node next. */
  refuse(): void
}

/** One replica, as it is now. */
export interface Replica {
  readonly name: string
  /** Keys of its node. What can't be believed, or is not known to be recent when the answer comes, counts as nothing. */
  read(
    keys: readonly Buffer[],
  ): Promise<({ readonly value: StoredValue; readonly untilMs: number } | undefined)[]>
  /** A read got no answer in time: it is left out until it answers. */
  giveUp(): void
}

/** The replicas of the ring's nodes. */
export interface ReplicasPort {
  /** Whether any node has one. */
  readonly isAny: boolean
  /**
   * One of those that are known to have all that the keys' node had acknowledged up to `sinceMs` (monotonic) and until less
   * than a second ago; undefined: there is none, or a key is moving. `below`: draws a whole number below its argument.
   */
  draw(keys: readonly Buffer[], sinceMs: number, below: (bound: number) => number): Replica | undefined
  /** Once for each replica that is not used, and for each new reason. The result ends it. */
  listen(onUnused: (error: Error) => void): () => void
}

export interface Filled {
  readonly isFilled: boolean
  readonly vouch: Vouch | undefined
}

export interface TagVersion {
  readonly version: string
  /** Since its last invalidation, by its server; infinite: never. */
  readonly ageMs: number
  readonly vouch: Vouch | undefined
}

/**
 * The ring of nodes as the cache sees it. Keys are whole, as they stand on the nodes. Every method rejects with
 * `unreachable` when a node does not answer; whatever was asked may then have been done or not.
 */
export interface L2Port {
  /** The node that is asked for a key now. */
  ownerOf(key: Buffer): string
  /** Indexes of the keys by the node that is asked; a key that moves now stands alone. */
  groupByOwner(keys: readonly Buffer[]): number[][]
  /** false: a request was given up or the connection lost, and nothing sent later has been answered yet. */
  isUp(node: string): boolean
  /** A request got no answer in time: the node is down until it answers again. */
  giveUp(node: string): void
  /** One round trip for the keys of one owner. */
  getOrLease(keys: readonly Buffer[], lease: L2Lease): Promise<L2Found[]>
  /** The lease is ours for `leaseMs` more; false: it is lost. */
  keepLease(key: Buffer, lease: L2Lease): Promise<boolean>
  /** Takes our lease away without a value, so that others need not wait for it. */
  releaseLease(key: Buffer, token: string): Promise<void>
  /** Puts the value where our lease still stands. */
  fill(key: Buffer, fill: L2Fill): Promise<Filled>
  /** The right to load the value anew while the one with that stamp stands; false: somebody has it, or it is gone. */
  startRefresh(
    key: Buffer,
    refresh: { readonly stamp: string; readonly token: string; readonly leaseMs: number },
  ): Promise<boolean>
  /** Puts the value where the one with that stamp still stands. */
  refill(key: Buffer, refill: L2Refill): Promise<Filled>
  /** Puts it whatever stands there. */
  put(key: Buffer, fill: { readonly body: Buffer; readonly ttlMs: number }): Promise<Filled>
  /** Replaces an older version; anything else that stands there goes. `version`: 20 digits. */
  update(
    key: Buffer,
    fill: { readonly version: string; readonly body: Buffer; readonly ttlMs: number },
  ): Promise<Filled>
  /** Gives the value (with that stamp, where one is given) a new life of `ttlMs`. */
  touch(key: Buffer, life: { readonly stamp?: string; readonly ttlMs: number } & Telling): Promise<void>
  remove(keys: readonly Buffer[]): Promise<void>
  /** A writer's marker, for at most `leaseMs`. */
  mark(key: Buffer, lease: { readonly token: string; readonly leaseMs: number }): Promise<void>
  /** Takes away our marker, or what came in its place; another writer's marker stays. */
  unmark(key: Buffer, token: string): Promise<void>
  tagVersions(tags: readonly Buffer[]): Promise<TagVersion[]>
  invalidateTag(tag: Buffer): Promise<void>
  /**
   * `onInvalidate` hears of every key under the prefix that was read and has changed by another hand; without a key:
   * all that was read from some node may have. The result ends it.
   */
  listen(prefix: Buffer, onInvalidate: (key?: Buffer) => void): () => void
}

/** The published hot set, as this process follows it. */
export interface HotKeysPort {
  /** Another object whenever it has changed. Its local keys have not passed their time. */
  readonly set: HotSet
  /** Told at once, after every change. The result ends it. */
  onChange(listener: () => void): () => void
  /** `hits`: reads of local keys that were served from memory, by key (latin1), since it was first in the set. The result ends it. */
  countHits(hits: () => ReadonlyMap<string, number>): () => void
}
