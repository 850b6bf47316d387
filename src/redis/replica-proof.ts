/**
 * What proves that a replica is at most a second behind its node. A value; no I/O.
 *
 * At `atMs` (ours, monotonic) we ask the node for its replication offset O. Whatever it had acknowledged to anybody before
 * `atMs` stands in its stream at or before O, because a command enters the stream before its answer is written. A replica
 * of the same history (`master_replid`) that has applied its stream up to O or further has all of it, whichever moment it
 * says so at and however long that takes to arrive: so each sample of the node proves the replica for `provedMs` from
 * `atMs`, and a replica that is steadily behind by less is proved by an older sample.
 *
 * It stays so for as long as the replica's data only moves forward. They go back in two ways. Its process ends: then our
 * connection does, too, and a proof belongs to a connection. Or they are emptied for a new full copy, perhaps of a node
 * that was restarted with old data: then each tracking connection is told that all keys have gone, before the answers
 * that come of the new data; that ends the proof (`replica-connection.ts`). A replica that is promoted keeps what it had.
 *
 * A read over that connection is sent, and its answer taken, less than `provedMs` after `atMs`. So what it says was true
 * at its node at some moment less than `provedMs` before the answer was taken.
 */
export interface NodeSample {
  /** Before the node was asked, monotonic ms. */
  readonly atMs: number
  readonly replId: string
  readonly offset: number
  /** The node's time of day, ms. */
  readonly wallMs: number
  /** Values stamped before this µs are not believed. */
  readonly sinceUs: string
}

export interface ReplicaSample {
  /** When its answer had come, monotonic ms. */
  readonly atMs: number
  readonly replication: Replication
  readonly wallMs: number
}

/** What `INFO replication` says. */
export interface Replication {
  readonly role: string
  readonly replId: string
  /** Of a node: written to its stream; of a replica: applied. −1: it says none. */
  readonly offset: number
  readonly isLinkUp: boolean
  readonly isSyncing: boolean
  readonly isReadOnly: boolean
}

export interface Proof {
  /** It has what its node had acknowledged by then. */
  readonly atMs: number
  readonly sinceUs: string
  /** At most so far its clock is behind the node's: so much less is left of a key's life than it says. */
  readonly clockBehindMs: number
}

export const provedMs = 1_000

export function parseReplication(info: string): Replication {
  const of = (field: string) => new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1] ?? ''
  const role = of('role')
  return {
    role,
    replId: of('master_replid'),
    offset: Number(of(role === 'master' ? 'master_repl_offset' : 'slave_repl_offset') || -1),
    isLinkUp: of('master_link_status') === 'up',
    isSyncing: of('master_sync_in_progress') === '1',
    isReadOnly: of('slave_read_only') === '1',
  }
}

/** `samples` of the node, the newest last. Why not, in words, where nothing is proved. */
export function prove(samples: readonly NodeSample[], replica: ReplicaSample): Proof | string {
  const { role, replId, offset, isLinkUp, isSyncing, isReadOnly } = replica.replication
  if (role !== 'slave') return `it is no replica (role ${role})`
  if (!isReadOnly) return 'it takes writes of its own (replica-read-only no)'
  if (!isLinkUp || isSyncing) return 'its link to its primary is down'
  const newest = samples.at(-1)
  if (!newest) return 'its node was not asked'
  if (replId !== newest.replId) return 'it copies another server'
  const reached = samples.findLast((sample) => sample.replId === replId && sample.offset <= offset)
  if (!reached || replica.atMs >= reached.atMs + provedMs) return 'it is more than a second behind'
  return {
    atMs: reached.atMs,
    sinceUs: newest.sinceUs,
    clockBehindMs: Math.max(0, newest.wallMs + (replica.atMs - newest.atMs) - replica.wallMs),
  }
}
