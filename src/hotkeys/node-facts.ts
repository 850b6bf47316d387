/** What is asked of a node before it is sampled; everything that chooses a source or bounds its cost is decided on it. */

export interface NodeFacts {
  readonly node: string
  readonly server: 'redis' | 'valkey'
  /** `7.0.15`; of Valkey its own version. */
  readonly version: string
  readonly opsPerSec: number
  /** Bytes the server reads a command, on average. */
  readonly bytesPerCommand: number
  /** Of the server's main thread, in [0, 1]; undefined where INFO does not tell. */
  readonly busyShare: number | undefined
  /** The largest command that a client has pending or had lately, bytes; undefined where INFO does not tell. */
  readonly largestInputBytes: number | undefined
  /** `allkeys-lfu`; undefined where CONFIG GET is not allowed. */
  readonly maxmemoryPolicy: string | undefined
  /** Rights that a source needs and the user lacks, as ACL writes them: `+monitor`. Names without a right are not listed. */
  readonly missingRights: ReadonlySet<string>
}
