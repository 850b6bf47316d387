/** Flags and a workload's name or file to a workload: the file says, flags override. */
import { invalid } from './errors.js'
import { printable } from './printable.js'
import { parseDurationMs } from './workload/duration.js'
import { formatDistribution, parseDistribution } from './workload/key-distribution.js'
import { builtIn, parseMix } from './workload/operations.js'
import { durationOf, parseRate, type RateProfile } from './workload/rate-profile.js'
import { parseLatencyMs, parseSize } from './workload/size-text.js'
import { parseTtl, type TtlMix } from './workload/ttl-mix.js'
import { parseWarmup } from './workload/warm-up.js'
import type { OperationSpec, PhaseSpec, SourceOfTruthSpec, Workload } from './workload/workload.js'

export interface WorkloadFlags {
  readonly workload?: string | undefined
  readonly rate?: string | undefined
  readonly arrivals?: string | undefined
  readonly duration?: string | undefined
  readonly requests?: number | undefined
  readonly warmup?: string | undefined
  readonly keys?: number | undefined
  readonly 'key-bytes'?: string | undefined
  readonly distribution?: string | undefined
  readonly 'value-bytes'?: string | undefined
  readonly mix?: string | undefined
  readonly 'read-ratio'?: string | undefined
  readonly ttl?: string | undefined
  readonly 'ttl-jitter'?: string | undefined
  readonly source?: string | undefined
  readonly 'source-capacity'?: number | undefined
  readonly fill: boolean
}

const defaultDurationMs = 10_000

const plain: Workload = {
  name: '',
  keys: { count: 100_000 },
  distribution: { kind: 'uniform' },
  values: { kind: 'fixed', value: 100 },
  ttl: { parts: [], jitter: 0 },
  operations: readsAndWrites(0.9),
  fill: false,
  warmup: { kind: 'time', ms: 1_000 },
  phases: [{ name: 'measure', durationMs: defaultDurationMs, rate: { kind: 'max' }, hotShift: 0 }],
  gates: [],
}

/** Errors: `invalid`, naming the flag or the file's place. */
export async function workloadOf(flags: WorkloadFlags): Promise<Workload> {
  const base = flags.workload === undefined ? plain : await namedWorkload(flags.workload)
  const { distribution, keyCount } = await distributionOf(flags, base)
  const source = sourceOf(flags, base.source)
  return {
    ...base,
    name: base.name || formatDistribution(distribution),
    distribution,
    keys: {
      ...base.keys,
      count: flags.keys ?? keyCount,
      ...(flags['key-bytes'] === undefined ? {} : { bytes: parseSize(flags['key-bytes']) }),
    },
    values: flags['value-bytes'] === undefined ? base.values : parseSize(flags['value-bytes']),
    ttl: ttlOf(flags, base.ttl),
    operations: operationsOf(flags) ?? base.operations,
    fill: flags.fill || base.fill,
    warmup: flags.warmup === undefined ? base.warmup : parseWarmup(flags.warmup, '--warmup'),
    phases: phasesOf(flags, base.phases),
    ...(source ? { source } : {}),
  }
}

const measuredBy = 'trace:'

/** A trace also says how many keys there are. */
async function distributionOf({ distribution: text }: WorkloadFlags, base: Workload) {
  const keyCount = base.keys.count
  if (text === undefined) return { distribution: base.distribution, keyCount }
  if (!text.startsWith(measuredBy)) return { distribution: parseDistribution(text), keyCount }
  const { readPopularity } = await import('./files/trace-popularity.js')
  return readPopularity(text.slice(measuredBy.length))
}

/** Most runs name none, and the presets are read for those only that do. */
async function namedWorkload(name: string): Promise<Workload> {
  const { resolveWorkload } = await import('./files/workload-file.js')
  return resolveWorkload(name)
}

function readsAndWrites(readRatio: number): OperationSpec[] {
  if (readRatio === 1) return [builtIn('get', 1)]
  return readRatio === 0 ? [builtIn('set', 1)] : [builtIn('get', readRatio), builtIn('set', 1 - readRatio)]
}

function operationsOf(flags: WorkloadFlags): OperationSpec[] | undefined {
  const { mix, 'read-ratio': ratio } = flags
  if (mix !== undefined && ratio !== undefined) throw invalid('--mix and --read-ratio exclude each other')
  if (mix !== undefined) return parseMix(mix)
  return ratio === undefined ? undefined : readsAndWrites(parseShare(ratio, '--read-ratio'))
}

function ttlOf(flags: WorkloadFlags, base: TtlMix): TtlMix {
  const ttl = flags.ttl === undefined ? base : { ...parseTtl(flags.ttl), jitter: base.jitter }
  const { 'ttl-jitter': jitter } = flags
  return jitter === undefined ? ttl : { ...ttl, jitter: parseShare(jitter, '--ttl-jitter') }
}

/** Any of the flags puts one phase in the place of the workload's. */
function phasesOf(flags: WorkloadFlags, base: readonly PhaseSpec[]): readonly PhaseSpec[] {
  const { duration, rate: rateText, requests } = flags
  if (duration !== undefined && requests !== undefined)
    throw invalid('--duration and --requests exclude each other')
  if (duration === undefined && rateText === undefined && requests === undefined) {
    if (flags.arrivals !== undefined) throw invalid('--arrivals needs --rate')
    return base
  }
  const arrivals = flags.arrivals === 'poisson' ? 'poisson' : 'uniform'
  const first = base[0]!
  const rate = rateText === undefined ? first.rate : parseRate(rateText, arrivals)
  if (flags.arrivals !== undefined && rate.kind !== 'open') throw invalid('--arrivals needs a --rate')
  const durationMs = duration === undefined ? undefined : parseDurationMs(duration, '--duration')
  if (durationMs === 0) throw invalid('--duration 0 measures nothing')
  const natural = requests === undefined ? rateDuration(rate) || first.durationMs || defaultDurationMs : 0
  return [{ name: first.name, durationMs: durationMs ?? natural, rate, hotShift: 0 }]
}

function rateDuration(rate: RateProfile): number {
  return rate.kind === 'open' ? durationOf(rate) : 0
}

/** `simulated:LATENCY`, or `simulated:5ms,100` with its capacity. */
function sourceOf(flags: WorkloadFlags, base: SourceOfTruthSpec | undefined): SourceOfTruthSpec | undefined {
  const { source: text, 'source-capacity': capacity } = flags
  if (text === undefined) {
    if (capacity !== undefined && !base) throw invalid('--source-capacity needs --source')
    return base && capacity !== undefined ? { ...base, capacity } : base
  }
  if (/^postgres(?:ql)?:/.test(text)) return postgresOf(text, capacity)
  const [, latency, places] = /^simulated:(.+?)(?:(?<=^simulated:[^:,]+),(\d+))?$/.exec(text) ?? []
  if (latency === undefined)
    throw invalid(
      `--source ${printable(text)}: expected simulated:LATENCY, as in simulated:5ms, or postgres://USER@HOST/DATABASE`,
    )
  if (places !== undefined && capacity !== undefined)
    throw invalid(
      `--source ${printable(text)} and --source-capacity: both say how many loads it does at a time`,
    )
  return { latencyMs: parseLatencyMs(latency), capacity: capacity ?? Number(places ?? 0) }
}

/** Its connections are its capacity; PostgreSQL itself takes 100 in all by default. */
const defaultDatabaseConnections = 20

function postgresOf(text: string, capacity = defaultDatabaseConnections): SourceOfTruthSpec {
  if (!URL.canParse(text))
    throw invalid(`--source ${printable(text)}: expected postgres://USER@HOST/DATABASE`)
  if (new URL(text).password !== '')
    throw invalid('--source: a password in a URL ends up in logs', 'Give it as PGPASSWORD or in ~/.pgpass.')
  return { latencyMs: { kind: 'fixed', value: 0 }, capacity: Math.max(1, capacity), postgresUrl: text }
}

export function parseShare(text: string, flag: string): number {
  const share = Number(text)
  if (text.trim() === '' || !(share >= 0 && share <= 1))
    throw invalid(`${flag} ${printable(text)}: expected a number from 0 to 1`)
  return share
}

/** `lru:ENTRIES` to entries. Errors: `invalid`. */
export function parseTarget(text: string): number {
  const [, digits] = /^lru:(\d{1,9})$/.exec(text) ?? []
  if (Number(digits) > 0) return Number(digits)
  throw invalid(`--target ${printable(text)}: expected lru:ENTRIES, as in lru:1000`)
}
