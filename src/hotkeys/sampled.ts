/** What the sources of hot keys deliver. Key names are latin1 text, which keeps every byte. */

export interface SampledCommand {
  /** Lower case; `get`, `hset`, `config|get`. */
  readonly command: string
  /** A command without keys has none; one that names a key twice names it once here. */
  readonly keys: readonly string[]
  /** Names no key at all; absent as well where the keys are there and not told (another database, cut off). */
  readonly isKeyless?: true
  /** What the source saw of it on the wire, at least: escapes and cut arguments are not counted back. */
  readonly bytes: number
  /** The connection as the server names it (`127.0.0.1:5000`, `unix:…`), `lua`; empty where the source does not tell. */
  readonly client: string
  /** Server time, where the source tells. */
  readonly micros?: number
}

/** Commands that were executed one after another on one node: the unit that is drawn, and so the one that varies. */
export interface SampledBurst {
  readonly node: string
  /** Monotonic, ms. */
  readonly atMs: number
  readonly commands: readonly SampledCommand[]
}

export const sourceNames = ['native', 'monitor', 'slowlog', 'tracking', 'lfu', 'log'] as const
export type SourceName = (typeof sourceNames)[number]

/** A saved log does not say which node it is of. */
export const logNode = 'log'

/** What a ranking's weights are; nothing else may be read out of them. */
export type WeightUnit = 'commands' | 'cpu-us' | 'net-bytes' | 'popularity'

/** A node's keys as its server has ranked them by itself: no bursts, and so no interval. */
export interface NodeRanking {
  readonly node: string
  readonly source: SourceName
  readonly unit: WeightUnit
  /** Heaviest first. `share` in [0, 1] of the node's whole weight, where the server tells that. */
  readonly keys: readonly { readonly name: string; readonly weight: number; readonly share?: number }[]
  /** The same node's keys by another weight, where its server keeps two. */
  readonly also?: Pick<NodeRanking, 'unit' | 'keys'>
  /** How the server sampled, what it leaves out: for people. */
  readonly notes: readonly string[]
}
