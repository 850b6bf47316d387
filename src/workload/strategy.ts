/** How the cache library is used under a load: the strategy, its tiers and its times, and what stands behind it. */

export const strategies = ['aside', 'read-through', 'write-through', 'write-behind'] as const
export type Strategy = (typeof strategies)[number]

export const l1Policies = ['s3fifo', 'lru'] as const

export interface StrategySpec {
  readonly kind: Strategy
  /** Each with a cache of its own, as an application's processes have. */
  readonly processes: number
  /** Of each process; absent: no L1; `hot`: for the published hot keys only. */
  readonly l1?: 'hot' | { readonly entries: number; readonly policy: (typeof l1Policies)[number] }
  /** The cache's: its keys stand on the nodes as `namespace:key`. */
  readonly namespace: string
  /** Where the workload's own expiry times do not say it. */
  readonly ttlMs: number
  readonly staleMs: number
  /** In [0, 1). */
  readonly jitterShare: number
  /** β of XFetch; 0: none. */
  readonly earlyBeta: number
}
