/** The result of a run as users' scripts read it (docs/json.md), and a run that was read back. */
import type { BenchMeasures, MeasuredRun } from './bench-measures.js'
import type { Bottleneck } from './bottleneck.js'
import type { Comparison } from './comparison.js'
import type { GateResult } from './gate.js'

export const benchSchema = 'cachectl/bench/v1'

/** How a run was made: runs compare only where these are the same. */
export type Configuration = Readonly<Record<string, string | number | boolean>>

/** Of a server, what changes its speed or its hit ratio. */
export interface ServerSettings {
  readonly version: string
  /** 0: no limit. */
  readonly maxmemoryBytes: number
  readonly evictionPolicy: string
  /** null: not readable. */
  readonly ioThreads: number | null
  readonly appendOnly: boolean
}

export interface Machine {
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  /** Version of Node. */
  readonly node: string
}

/** What was run, and on what. */
export interface RunIdentity {
  readonly topology: string
  readonly seed: number
  readonly configuration: Configuration
  readonly machine: Machine
  /** Versions by node. */
  readonly servers: Readonly<Record<string, string>>
  readonly serverSettings: Readonly<Record<string, ServerSettings>>
  readonly interrupted: boolean
  readonly warnings: readonly string[]
}

export interface BenchResult extends Omit<BenchMeasures, 'overall'>, RunIdentity {
  readonly schema: typeof benchSchema
  readonly latency: BenchMeasures['overall']
  readonly gates: readonly GateResult[]
  /** null: not judged. */
  readonly bottleneck: Bottleneck | null
  /** With a baseline. */
  readonly comparison?: Comparison
}

/** A run with everything that was counted: this one, or one that was read back from a file. */
export interface RecordedRun extends MeasuredRun, RunIdentity {
  /** How the user names it: its file, or what stands for the run under way. */
  readonly name: string
}
