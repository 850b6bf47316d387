/**
 * A workload as a value: which keys, how big, what is done to them, how fast, in which phases. Parsed from a YAML file
 * (files/workload-file.ts), a preset (workload/presets/) or flags; everything a run draws follows from it and a seed.
 */
import type { KeyDistribution } from './key-distribution.js'
import type { RateProfile } from './rate-profile.js'
import type { SizeDistribution } from './size-distribution.js'
import type { TtlMix } from './ttl-mix.js'

export interface Workload {
  /** Stands in results: `ycsb:b`, a file's name, or what the flags say, as in `zipf:0.99`. */
  readonly name: string
  /** Where its figures come from; absent for what users wrote themselves. */
  readonly citation?: string
  readonly keys: KeysSpec
  readonly distribution: KeyDistribution
  readonly values: SizeDistribution
  readonly ttl: TtlMix
  readonly operations: readonly OperationSpec[]
  /** Write every key before anything else. */
  readonly fill: boolean
  readonly warmup: WarmupSpec
  /** Measured one after the other; at least one. */
  readonly phases: readonly PhaseSpec[]
  /** Gate expressions. */
  readonly gates: readonly string[]
  /** A miss loads from it before it fills; absent: a miss fills at once. */
  readonly source?: SourceOfTruthSpec
}

export interface KeysSpec {
  readonly count: number
  /** Of the whole key; keys too short for prefix and number are as short as they can be. Absent: prefix and number. */
  readonly bytes?: SizeDistribution
}

export type WarmupSpec =
  | { readonly kind: 'time'; readonly ms: number }
  /** Until throughput, p99 and hit ratio stop drifting, at most `maxMs`. */
  | { readonly kind: 'detect'; readonly maxMs: number }

export interface PhaseSpec {
  readonly name: string
  /** 0: until the requests (`requestLimit`, a trace) have ended. */
  readonly durationMs: number
  readonly rate: RateProfile
  /** The hot set moves by this share of the key numbers, in [0, 1). */
  readonly hotShift: number
}

export const operationKinds = [
  'read',
  'read-many',
  'write',
  'insert',
  'remove',
  'read-modify-write',
  'command',
] as const
export type OperationKind = (typeof operationKinds)[number]

/**
 * One line of the mix. `read` and `read-many` count hits and misses; a `read` that misses is followed by a write of the
 * value. `insert` writes a key that was not there before; `read-modify-write` is a GET and then a SET of its key, timed
 * as one. `command` sends its templates in one write, and ends with the last reply.
 */
export interface OperationSpec {
  /** In results and gates: lower case letters, digits, `-` and `_`. */
  readonly name: string
  readonly kind: OperationKind
  /** Relative to the others; greater than 0. */
  readonly weight: number
  /** Keys of one type live apart from those of another: stands between the prefix and the number, `''` for strings. */
  readonly keyspace: string
  /** Of `read-many`: how many keys each request asks for, uniform; consecutive numbers, or each drawn. */
  readonly keyCount?: { readonly min: number; readonly max: number; readonly consecutive: boolean }
  /** Of `command`. */
  readonly commands?: readonly CommandTemplate[]
}

/** One command, an argument each; the first is the command's name. */
export type CommandTemplate = readonly TemplateArgument[]

export type TemplateArgument =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'key' }
  | { readonly kind: 'value' }
  /** Seconds, drawn from the TTL mix; 0 in the mix becomes the largest there is. */
  | { readonly kind: 'ttl' }
  /** A whole number, uniform, both ends included. */
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** A Lua text: sent once a node by SCRIPT LOAD, its SHA-1 stands here. */
  | { readonly kind: 'script'; readonly text: string }

/** A simulated database: how long a load takes, and how many it does at a time; the rest wait. */
export interface SourceOfTruthSpec {
  /** Milliseconds; in size-distribution's terms, so that a lognormal latency is one word. */
  readonly latencyMs: SizeDistribution
  /** Loads at a time; 0: any number. */
  readonly capacity: number
  /** A real database does each load and write instead, and takes as long as it takes. Without a password. */
  readonly postgresUrl?: string
}

/** What a load or a write does while it has its place; it ends with `done`, with an error where it failed. */
export type SourceWork = (
  what: { readonly kind: 'load' | 'write'; readonly key: number },
  done: (error?: unknown) => void,
) => void
