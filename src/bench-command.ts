/** `bench`: flags to a request, everything that can be wrong said before anything is connected. */
import { cpus } from 'node:os'
import * as Flags from '@oclif/core/flags'
import { topologyFlag } from './base-command.js'
import { systemClock } from './clock.js'
import { invalid } from './errors.js'
import { readAccess } from './files/secrets.js'
import { readTrace } from './files/trace-file.js'
import { parseGate } from './measure/gate-parse.js'
import type { LoadKeysSpec, LoadPort } from './operations/ports.js'
import type { BenchRequest } from './operations/run-bench.js'
import { simulateCache } from './operations/simulate-cache.js'
import { printable } from './printable.js'
import { freshSeed } from './random.js'
import { createLoad } from './redis/load-run.js'
import type { Topology } from './ring/topology.js'
import { parseDurationMs } from './workload/duration.js'
import { maxKeyCount, parseDistribution } from './workload/key-distribution.js'
import type { SourceSpec } from './workload/requests.js'

export const benchFlags = {
  ...topologyFlag,
  connections: Flags.integer({
    char: 'c',
    helpValue: 'N',
    summary: 'Sockets in total, spread over the nodes by their share.',
    default: 50,
    min: 1,
    max: 10_000,
  }),
  pipeline: Flags.integer({
    char: 'P',
    helpValue: 'N',
    summary: 'Requests under way for each connection.',
    default: 1,
    min: 1,
    max: 1_000,
  }),
  threads: Flags.integer({
    helpValue: 'N',
    summary: 'Threads that generate load.',
    default: 1,
    min: 1,
    max: 64,
  }),
  duration: Flags.string({
    helpValue: 'TIME',
    summary: 'Measure this long, e.g. 10s; default 10s, or the whole trace.',
  }),
  requests: Flags.integer({
    char: 'n',
    helpValue: 'N',
    summary: 'Measure this many requests instead.',
    min: 1,
  }),
  warmup: Flags.string({
    helpValue: 'TIME',
    summary: 'Send load this long before measuring; default 1s, none for a trace.',
  }),
  keys: Flags.integer({
    helpValue: 'N',
    summary: 'Keys in play; default 100,000.',
    min: 1,
    max: maxKeyCount,
  }),
  distribution: Flags.string({
    helpValue: 'NAME',
    summary: 'uniform, or zipf:THETA as in zipf:0.99; default uniform.',
  }),
  'value-bytes': Flags.integer({
    helpValue: 'N',
    summary: 'Size of a value where a trace does not say it.',
    default: 100,
    min: 0,
    max: 536_870_912,
  }),
  'read-ratio': Flags.string({ helpValue: 'SHARE', summary: 'Share of reads, 0 to 1; default 0.9.' }),
  ttl: Flags.integer({
    helpValue: 'SECONDS',
    summary: 'Seconds until a written key expires; 0: never.',
    default: 0,
    min: 0,
  }),
  trace: Flags.string({
    summary: 'Replay a request trace (CSV, .gz) instead of drawing keys.',
    helpValue: 'FILE',
  }),
  fill: Flags.boolean({ summary: 'Write every key before measuring.' }),
  target: Flags.string({
    helpValue: 'TARGET',
    summary: 'lru:ENTRIES runs against an exact in-process LRU instead of the ring.',
  }),
  gate: Flags.string({
    summary: "Fail (exit 3) unless it holds, e.g. 'p99<2ms', 'hit_ratio>=0.9', 'errors==0'.",
    multiple: true,
    helpValue: 'EXPRESSION',
  }),
  out: Flags.string({
    char: 'o',
    summary: 'Write the whole result there, with histograms.',
    helpValue: 'FILE',
  }),
  prefix: Flags.string({
    helpValue: 'TEXT',
    summary: 'Every key starts with it; nothing else is touched.',
    default: 'cachectl-bench:',
  }),
  keep: Flags.boolean({
    summary: 'Leave the keys on the nodes; otherwise all of this keyspace is removed at the end.',
  }),
  seed: Flags.integer({ helpValue: 'N', summary: 'Repeats a run: the seed stands in its result.', min: 0 }),
}

export interface BenchFlags {
  readonly connections: number
  readonly pipeline: number
  readonly threads: number
  readonly duration?: string | undefined
  readonly requests?: number | undefined
  readonly warmup?: string | undefined
  readonly keys?: number | undefined
  readonly distribution?: string | undefined
  readonly 'value-bytes': number
  readonly 'read-ratio'?: string | undefined
  readonly ttl: number
  readonly trace?: string | undefined
  readonly fill: boolean
  readonly target?: string | undefined
  readonly gate?: readonly string[] | undefined
  readonly prefix: string
  readonly keep: boolean
  readonly seed?: number | undefined
}

const defaultKeyCount = 100_000

export interface BenchJob extends BenchRequest {
  readonly keyCount: number
  /** Entries of the in-process LRU that takes the ring's place. */
  readonly lruEntries?: number
}

/** `topology` is absent where an in-process cache is the target. Errors: `invalid`. */
export async function toBenchJob(flags: BenchFlags, topology: Topology | undefined): Promise<BenchJob> {
  const lruEntries = flags.target === undefined ? undefined : parseTarget(flags.target)
  const gates = (flags.gate ?? []).map(parseGate)
  const durationMs = flags.duration === undefined ? undefined : parseDurationMs(flags.duration, '--duration')
  const warmupMs = flags.warmup === undefined ? undefined : parseDurationMs(flags.warmup, '--warmup')
  refuseMistakes(flags, durationMs)
  const { source, keys, keyCount } =
    flags.trace === undefined ? drawnLoad(flags) : await tracedLoad(flags, flags.trace)
  const isTrace = source.kind === 'trace'
  const unlimited = flags.requests !== undefined || isTrace
  return {
    ...(lruEntries === undefined ? {} : { lruEntries }),
    topology: topology ?? { name: flags.target ?? '', ring: noRing, nodes: [] },
    keys,
    keyCount,
    source,
    gates,
    valueBytes: flags['value-bytes'],
    ttlSeconds: flags.ttl,
    seed: flags.seed ?? freshSeed(),
    connections: flags.connections,
    pipeline: flags.pipeline,
    threads: flags.threads,
    warmupMs: warmupMs ?? (isTrace || lruEntries !== undefined ? 0 : 1_000),
    durationMs: durationMs ?? (unlimited ? 0 : 10_000),
    requestLimit: flags.requests ?? 0,
    fill: flags.fill && lruEntries === undefined,
    keep: flags.keep || lruEntries !== undefined,
  }
}

const noRing: Topology['ring'] = { algorithm: 'ring', hash: 'xxh32', pointsPerWeight: 1, charSign: 'signed' }

/** What the job's load runs on: the nodes, or the in-process LRU. */
export async function createBenchLoad(job: BenchJob, signal: AbortSignal): Promise<LoadPort> {
  const { keyCount, lruEntries: capacity } = job
  if (capacity === undefined)
    return createLoad(await readAccess(job.topology.nodes, process.env), systemClock)
  return { run: () => simulateCache(job, { capacity, keyCount, clock: systemClock, signal }) }
}

function refuseMistakes(flags: BenchFlags, durationMs: number | undefined): void {
  if (flags.prefix === '')
    throw invalid('--prefix is empty: the load would write over any key', 'Choose a prefix of its own.')
  if (flags.duration !== undefined && flags.requests !== undefined)
    throw invalid('--duration and --requests exclude each other')
  if (durationMs === 0) throw invalid('--duration 0 measures nothing')
  if (flags.threads > cpus().length * 4)
    throw invalid(`--threads ${flags.threads}: this machine has ${cpus().length} cores`)
  if (flags.threads > flags.connections)
    throw invalid(`--threads ${flags.threads} is more than --connections ${flags.connections}`)
  if (flags.trace === undefined) return
  for (const name of ['keys', 'distribution', 'read-ratio'] as const) {
    if (flags[name] !== undefined)
      throw invalid(`--trace and --${name} exclude each other: the trace says what is asked for`)
  }
}

interface Drawn {
  readonly source: SourceSpec
  readonly keys: LoadKeysSpec
  readonly keyCount: number
}

function drawnLoad(flags: BenchFlags): Drawn {
  const text = flags['read-ratio'] ?? '0.9'
  const readRatio = Number(text)
  if (text.trim() === '' || !(readRatio >= 0 && readRatio <= 1))
    throw invalid(`--read-ratio ${printable(text)}: expected a number from 0 to 1`)
  const distribution = parseDistribution(flags.distribution ?? 'uniform')
  const keyCount = flags.keys ?? defaultKeyCount
  return {
    source: { kind: 'mix', distribution, readRatio },
    keys: { kind: 'numbered', prefix: flags.prefix, count: keyCount },
    keyCount,
  }
}

async function tracedLoad(flags: BenchFlags, path: string): Promise<Drawn> {
  const { requests, names, ends } = await readTrace(path)
  return {
    source: { kind: 'trace', trace: requests },
    keys: { kind: 'named', prefix: flags.prefix, names, ends },
    keyCount: ends.length,
  }
}

/** `lru:ENTRIES` to entries. Errors: `invalid`. */
function parseTarget(text: string): number {
  const [, digits] = /^lru:(\d{1,9})$/.exec(text) ?? []
  if (Number(digits) > 0) return Number(digits)
  throw invalid(`--target ${printable(text)}: expected lru:ENTRIES, as in lru:1000`)
}
