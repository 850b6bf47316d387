/** What the main thread and a load thread share: the job, the shared memory, the report. */
import type { LoadRequest, NodeAccess } from '../../operations/ports.js'
import type { LoadMemory } from './memory.js'
import type { VersionMemory } from './versions.js'

export interface LoadJob extends Omit<LoadRequest, 'threads' | 'watchNodes' | 'share'> {
  readonly accesses: readonly NodeAccess[]
  /** This thread among all threads of all generators of the run. */
  readonly part: { readonly index: number; readonly count: number }
  /** One thread of a process looks at the machine's own stalls. */
  readonly measuresNoise: boolean
  readonly memory: LoadMemory
  /** Where values are verified. */
  readonly versions?: VersionMemory
}

export interface LoadReport {
  /** Of each phase, the warm-up first: how long requests were sent. */
  readonly phaseSeconds: readonly number[]
  readonly errorKinds: Readonly<Record<string, number>>
  /** Of this thread while measuring; undefined where the system does not tell. */
  readonly cpuShare: number | undefined
  readonly hostNoise: { readonly p999Ms: number; readonly maxMs: number }
}

export type LoadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: number; readonly remedy?: string }
  | ({ readonly kind: 'done' } & LoadReport)

/** A thread that takes turns: one is over and all its requests have ended; how long they were under way. */
export type ThreadMessage = LoadMessage | { readonly kind: 'resting'; readonly seconds: number }
