/** How a ring is sampled, as the user wants it. */
import type { Budget } from './burst-schedule.js'
import type { SourceName } from './sampled.js'

export interface SamplingOptions {
  readonly source: Exclude<SourceName, 'log'> | 'auto'
  readonly threshold: number
  readonly top: number
  readonly budget: Budget
  readonly maxMs: number
  readonly force: boolean
  readonly allowSlowlogLoss: boolean
  readonly allowConfig: boolean
}
