/** What a cache has done since it was made. Every number only grows, but for `pending`, `lagMs` and `hotKeys`. */

export interface CacheStats {
  /** Reads: each ends in exactly one of the next five, or in an error. */
  gets: number
  l1Hits: number
  l2Hits: number
  /** Of `l2Hits`, those that a replica answered. */
  replicaHits: number
  /** Served from L1 or L2 after their `ttl`, while being loaded anew. */
  staleHits: number
  /** Given what another caller in this process was loading. */
  shared: number
  /** Waited for a load of the source of truth that they began, or found nothing. */
  misses: number
  /** Calls of the loader, for reads and refreshes. */
  loads: number
  loadErrors: number
  /** Of them, for values that were still there. */
  refreshes: number
  /** Of them, because the value's node did not answer. */
  detours: number
  /** Waits for another process's load. */
  waits: number
  fills: number
  /** Fills that were refused, because the key was written or invalidated meanwhile. */
  revoked: number
  writes: number
  /** Keys that others have changed. */
  invalidations: number
  /** Requests to L2 that failed or took too long. */
  l2Failures: number
  /** Write-behind: values that a node's journal has taken. */
  puts: number
  /** Entries of journals that this process has brought to the source. */
  flushed: number
  /** Calls of the writer that failed. */
  flushErrors: number
  /** Entries that were given up. */
  deadLetters: number
  /** Entries that wait on all nodes, as last seen. */
  pending: number
  /** How long the oldest of them has waited, as last seen. */
  lagMs: number
  /** Values that the codec could not write, and damaged ones that it could not read. */
  codecErrors: number
  /** Published keys that L1 may hold now, where it is for hot keys only. */
  hotKeys: number
  /** Of the published hot set, as last seen; 0: none was. */
  hotGeneration: number
}

export function createStats(): CacheStats {
  return {
    gets: 0,
    l1Hits: 0,
    l2Hits: 0,
    replicaHits: 0,
    staleHits: 0,
    shared: 0,
    misses: 0,
    loads: 0,
    loadErrors: 0,
    refreshes: 0,
    detours: 0,
    waits: 0,
    fills: 0,
    revoked: 0,
    writes: 0,
    invalidations: 0,
    l2Failures: 0,
    puts: 0,
    flushed: 0,
    flushErrors: 0,
    deadLetters: 0,
    pending: 0,
    lagMs: 0,
    codecErrors: 0,
    hotKeys: 0,
    hotGeneration: 0,
  }
}
