/** The journal of write-behind as the cache sees it: on each node what has been put and is not in the source yet. */

/** A value on its way to the source of truth. */
export interface PendingEntry {
  /** Whole, as it stands on its node. */
  readonly key: Buffer
  /** Grows with every value put under the key. */
  readonly seq: bigint
  /** Failures so far, while others went well. */
  readonly attempts: number
  readonly body: Buffer
  /** The life of the value at L2 after it was written; 0: it goes then. */
  readonly ttlMs: number
}

/** What one look at a node's journal found. */
export interface JournalState {
  readonly pendingCount: number
  /** Since when its oldest entry waits: ms by the node's clock; undefined: there is none. */
  readonly oldestMs: number | undefined
  /** How long that is ago. */
  readonly lagMs: number
}

export interface Claim extends JournalState {
  readonly entries: readonly PendingEntry[]
  /** Names this claim: only under it are its entries settled, until somebody else claims them. */
  readonly token: string
  /** When the next entry is due, from now; infinite: nothing waits. */
  readonly nextDueMs: number
}

export type PutOutcome =
  | {
      readonly kind: 'put'
      readonly seq: bigint
      /** Where the journal took it, and when by that node's clock. */
      readonly node: string
      readonly atMs: number
    }
  /** The node's journal, or its memory, takes no further key now: nothing was put. */
  | { readonly kind: 'full'; readonly node: string }

export interface JournalPut {
  readonly body: Buffer
  readonly ttlMs: number
  readonly delayMs: number
  readonly maxPending: number
}

/** A claimed entry, and what is to happen next. */
export interface Retry {
  readonly key: Buffer
  readonly seq: bigint
  /** Due after this. */
  readonly delayMs: number
  /** Whether it is one of its attempts. */
  readonly isCounted: boolean
}

/**
 * One namespace's journals. Every time is the nodes' own. Every method rejects with `unreachable` when a node does not
 * answer; whatever was asked may then have been done or not, and all but `put` may be asked again.
 */
export interface JournalPort {
  /** The nodes of the ring now. */
  nodes(): readonly string[]
  /** Which keys belong to which node, in one word: it changes with every change of that. */
  placement(): string
  ownerOf(key: Buffer): string
  /** Throws `refused` when the node may evict what has no expiry, and with it what was acknowledged. */
  requireKeeping(node: string): Promise<void>
  /** One round trip: the value and its entry. */
  put(key: Buffer, put: JournalPut): Promise<PutOutcome>
  /** `earlyMs`: also what is due in so many ms only because later values might replace it. */
  claim(
    node: string,
    claim: { readonly count: number; readonly leaseMs: number; readonly earlyMs: number },
  ): Promise<Claim>
  /** The claim is good for `leaseMs` more, under the token that this gives. */
  renew(
    node: string,
    claim: { readonly token: string; readonly keys: readonly Buffer[]; readonly leaseMs: number },
  ): Promise<string>
  /**
   * The source has them: an entry that is still the same goes, and its value's life begins; one that was replaced is due
   * at once. The number of those that went.
   */
  settle(node: string, token: string, entries: readonly PendingEntry[]): Promise<number>
  retry(node: string, token: string, retries: readonly Retry[]): Promise<void>
  /** To the dead letters, unless it was replaced; its value goes. */
  bury(
    node: string,
    token: string,
    letter: { readonly entry: PendingEntry; readonly error: string },
  ): Promise<void>
  state(node: string): Promise<JournalState>
  /** Keys that wait at a node, in pages; one that waits throughout is yielded at least once. */
  pendingKeys(node: string): AsyncIterable<Buffer[]>
  /** They are due now, unless they are claimed. */
  hasten(node: string, keys: readonly Buffer[]): Promise<void>
  /** Of each key the number of its entry at that node; undefined: it has none. */
  seqsAt(node: string, keys: readonly Buffer[]): Promise<(bigint | undefined)[]>
  /** Copies at a node whose entries were lost with another node become entries again; the number of those. */
  restoreCopies(node: string): Promise<number>
  /** Whether somebody has found that under this placement no entry waits at a node that does not own its key. */
  isSettledUnder(node: string, placement: string): Promise<boolean>
  declareSettled(node: string, placement: string): Promise<void>
}

/** An entry that was given up: the source never got it. */
export interface DeadLetter {
  readonly node: string
  readonly namespace: string
  /** Without the namespace. */
  readonly key: string
  /** How long ago it was given up, by its node. */
  readonly ageMs: number
  readonly attempts: number
  readonly bodyBytes: number
  /** What the writer said; somebody else's text. */
  readonly error: string
}

export type LetterOutcome = 'done' | 'gone' | 'newer waits'

/** The dead letters of all nodes. Every method rejects with `unreachable` when a node does not answer. */
export interface DeadLettersPort {
  /** Of one namespace, or of all. */
  list(namespace?: string): Promise<DeadLetter[]>
  /** Back into the journal with its old number; not where a newer value waits already. */
  retry(letter: DeadLetter): Promise<LetterOutcome>
  drop(letter: DeadLetter): Promise<LetterOutcome>
}
