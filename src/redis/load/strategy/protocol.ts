/** What the process of a run and its load processes say to each other, beside the socket to the source of truth. */
import type { CacheCounts } from '../../../measure/cache-counts.js'
import type { StrategySpec } from '../../../workload/strategy.js'
import type { LoadMessage, LoadReport } from '../protocol.js'
import type { MemoryChanges } from './memory-changes.js'

/** What a load process is told first. */
export interface CacheLoadOrder {
  readonly kind: 'order'
  /** The load, as files/load-request-json.ts writes it. */
  readonly request: string
  readonly strategy: StrategySpec
  /** The ring's file, which the cache follows. */
  readonly topologyPath: string
  readonly index: number
  /** Stamps the values of this run. */
  readonly run: number
}

export type ToLoadProcess =
  | CacheLoadOrder
  | { readonly kind: 'phase'; readonly phase: number }
  | (Acknowledgements & { readonly from: number })

export type FromLoadProcess =
  | Exclude<LoadMessage, { kind: 'done' }>
  | ({ readonly kind: 'counts' } & MemoryChanges)
  | Acknowledgements
  | ({ readonly kind: 'done'; readonly cache: CacheCounts } & LoadReport)

/** Writes that were acknowledged, all until `throughMs` of the machine's clock. */
export interface Acknowledgements {
  readonly kind: 'acknowledged'
  readonly throughMs: number
  /** Four numbers a write: key, version, start and end by the machine's clock, ms. */
  readonly writes: Float64Array
}

export const numbersPerWrite = 4

/** Of the socket to the source: a request's four words of 32 bits, and an answer's two. */
export const sourceRequest = { load: 1, write: 2, version: 3, flush: 4, bytes: 16 } as const
export const sourceAnswer = { bytes: 8 } as const
/** In place of a version: the source could not do it. */
export const failedVersion = 0xffffffff
/** The descriptor of that socket in a load process. */
export const sourceDescriptor = 4
