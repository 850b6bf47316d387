/** Flags to a job: everything that can be wrong is said before anything is connected. */
import { openBenchAgents } from './bench-agents.js'
import type { BenchFlags } from './bench-flags.js'
import { refuseMistakes } from './bench-mistakes.js'
import { createStrategyLoad, strategyOf } from './bench-strategy.js'
import { parseTarget, workloadOf } from './bench-workload.js'
import { systemClock } from './clock.js'
import { invalid } from './errors.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import { readTrace } from './files/trace-file.js'
import { parseGate } from './measure/gate-parse.js'
import type { FindMaxOptions } from './operations/find-max.js'
import type { LoadKeysSpec, LoadPort, ProgressPort } from './operations/ports.js'
import type { BenchRequest } from './operations/run-bench.js'
import { simulateCache } from './operations/simulate-cache.js'
import { printable } from './printable.js'
import { freshSeed } from './random.js'
import { createLoad } from './redis/load/run.js'
import type { Topology } from './ring/topology.js'
import { parseDurationMs } from './workload/duration.js'
import type { MixSpec } from './workload/request-source.js'
import { traceOperations } from './workload/request-source.js'
import type { SourceSpec } from './workload/requests.js'
import { createSizeQuantile, type SizeDistribution } from './workload/size-distribution.js'
import type { OperationSpec, PhaseSpec, Workload } from './workload/workload.js'

export interface BenchJob extends BenchRequest {
  /** Search the highest rate that keeps the gates. */
  readonly findMax?: FindMaxOptions
  readonly workload: Workload
  readonly keyCount: number
  /** Entries of the in-process LRU that takes the ring's place. */
  readonly lruEntries?: number
  /** The machines that generate the load, and how long they are waited for. */
  readonly agents?: { readonly count: number; readonly timeoutMs: number }
  /** The file that requests and keys are from. */
  readonly tracePath?: string
}

/** Stamp of a verified value. */
const leastVerifiedBytes = 16

/** `topology` is absent where an in-process cache is the target. Errors: `invalid`. */
export async function toBenchJob(flags: BenchFlags, topology: Topology | undefined): Promise<BenchJob> {
  const lruEntries = flags.target === undefined ? undefined : parseTarget(flags.target)
  refuseMistakes(flags)
  const workload = await workloadOf(flags)
  refuseMixedPhases(workload.phases)
  if (flags.verify && workload.values.kind === 'fixed' && workload.values.value < leastVerifiedBytes)
    throw invalid(`--verify needs values of at least ${leastVerifiedBytes} bytes`)
  const load = flags.trace === undefined ? drawnLoad(flags, workload) : await tracedLoad(flags, workload)
  const inProcess = lruEntries !== undefined
  const strategy = strategyOf(flags, workload)
  return {
    ...(inProcess ? { lruEntries } : {}),
    ...load,
    workload,
    topology: topology ?? { name: flags.target ?? '', ring: noRing, nodes: [] },
    gates: [...workload.gates, ...(flags.gate ?? []), ...(flags['find-max'] ?? [])].map(parseGate),
    ...(flags['find-max'] ? { findMax: findMaxOptions(flags, workload) } : {}),
    seed: flags.seed ?? freshSeed(),
    connections: flags.connections,
    pipeline: flags.pipeline,
    threads: flags.threads,
    requestLimit: flags.requests ?? 0,
    maxInFlight: flags['max-in-flight'],
    pace: flags.pace === 'low-cpu' ? 'low-cpu' : 'exact',
    // a flag that is not given is not false to the parser
    verify: flags.verify === true,
    watchNodes: true,
    allowMissing: flags['allow-missing'],
    allowLag: flags['allow-lag'] ?? false,
    keep: flags.keep || inProcess,
    ...(workload.source ? { sourceOfTruth: workload.source } : {}),
    ...(strategy ? { strategy } : {}),
    ...(workload.fill && !inProcess ? { fill: writesOf(workload) } : {}),
    ...(inProcess ? { warmup: { kind: 'time', ms: 0 } as const } : {}),
    ...(flags.agents === undefined ? {} : { agents: agentsOf(flags, flags.agents) }),
    ...(flags.trace === undefined ? {} : { tracePath: flags.trace }),
  }
}

const noRing: Topology['ring'] = { algorithm: 'ring', hash: 'xxh32', pointsPerWeight: 1, charSign: 'signed' }

export interface BenchLoad extends LoadPort {
  /** Lets agents go. */
  close(): Promise<void>
}

/** Of a command that knows agents. */
export interface AgentOptions {
  readonly progress: ProgressPort
  /** Whose control store they meet in; absent where an in-process cache is the target. */
  readonly file?: TopologyFile | undefined
  /** Of cachectl. */
  readonly version: string
}

/**
 * What the job's load runs on: this machine and the nodes, agents and the nodes, or the in-process LRU. Errors:
 * `unreachable` where too few agents come.
 */
export async function createBenchLoad(
  job: BenchJob,
  signal: AbortSignal,
  options?: AgentOptions,
): Promise<BenchLoad> {
  const { keyCount, lruEntries: capacity, agents, strategy, tracePath } = job
  const close = async () => {}
  if (capacity !== undefined) {
    return { run: () => simulateCache(job, { capacity, keyCount, clock: systemClock, signal }), close }
  }
  if (agents) {
    if (!options?.file) throw invalid('--agents: not with this command')
    const { file, progress, version } = options
    return openBenchAgents({
      ...agents,
      ...{ file, progress, version, signal },
      ...(tracePath ? { tracePath } : {}),
    })
  }
  const accesses = await readAccess(job.topology.nodes, process.env)
  const plain = createLoad(accesses, systemClock)
  if (!strategy) return { ...plain, close }
  if (!options?.file) throw invalid('--strategy: not with this command')
  const topologyPath = options.file.path
  return { ...createStrategyLoad({ accesses, topologyPath, tracePath, plain }), close }
}

function agentsOf(flags: BenchFlags, count: number): NonNullable<BenchJob['agents']> {
  const { connections, threads, target, 'agents-timeout': timeout } = flags
  if (target !== undefined)
    throw invalid('--agents and --target exclude each other: there is no ring to load')
  if (connections < count * threads)
    throw invalid(
      `--connections ${connections}: ${count} agents of ${threads} threads need at least ${count * threads}`,
    )
  return { count, timeoutMs: timeout === undefined ? 60_000 : parseDurationMs(timeout, '--agents-timeout') }
}

/** Latencies of a closed and an open loop are not the same thing: one run has one kind. */
function refuseMixedPhases(phases: readonly PhaseSpec[]): void {
  const closed = phases.filter(({ rate }) => rate.kind === 'max')
  if (closed.length === 0 || closed.length === phases.length) return
  throw invalid(
    `phases with a rate and phases at max: ${closed.map(({ name }) => printable(name)).join(', ')}`,
    'Give every phase a rate, or none.',
  )
}

const findMaxStepMs = 5_000
const findMaxStartPerSec = 1_000
const findMaxResolution = 1.05

/** From --rate, where it is one, in steps of --duration. */
function findMaxOptions(flags: BenchFlags, { phases }: Workload): FindMaxOptions {
  const { rate, durationMs } = phases[0]!
  return {
    stepMs: flags.duration === undefined ? findMaxStepMs : durationMs,
    startPerSec: rate.kind === 'open' ? rate.segments[0]!.fromPerSec : findMaxStartPerSec,
    resolution: findMaxResolution,
  }
}

type Load = Pick<BenchJob, 'source' | 'keys' | 'keyCount' | 'operations' | 'phases' | 'warmup'>

const fillOperation: OperationSpec = { name: 'fill', kind: 'write', weight: 0, keyspace: '' }

/** A read that misses is followed by a fill. */
function withFill(operations: readonly OperationSpec[]): readonly OperationSpec[] {
  const reads = operations.some(({ kind }) => kind === 'read')
  return reads ? [...operations, fillOperation] : operations
}

function writesOf({ distribution, values, ttl }: Workload): MixSpec {
  return { kind: 'mix', distribution, values, ttl }
}

function drawnLoad(flags: BenchFlags, workload: Workload): Load {
  const { count, bytes } = workload.keys
  const grows = workload.operations.some(({ kind }) => kind === 'insert')
  const keys: LoadKeysSpec = {
    kind: 'numbered',
    prefix: flags.prefix,
    count,
    capacity: grows ? 2 * count : count,
    ...(bytes ? { lengths: keyLengths(bytes) } : {}),
  }
  return {
    source: writesOf(workload),
    keys,
    keyCount: count,
    operations: withFill(workload.operations),
    phases: workload.phases,
    warmup: workload.warmup,
  }
}

const lengthTable = 1_024

/** Lengths by quantile: a key's number picks one. */
function keyLengths(bytes: SizeDistribution): Uint16Array {
  const table = new Uint16Array(new SharedArrayBuffer(2 * lengthTable))
  const length = createSizeQuantile(bytes)
  for (let index = 0; index < lengthTable; index++)
    table[index] = Math.min(0xffff, length((index + 0.5) / lengthTable))
  return table
}

async function tracedLoad(flags: BenchFlags, workload: Workload): Promise<Load> {
  const { requests, names, ends } = await readTrace(flags.trace ?? '')
  const { values, ttl } = workload
  if (values.kind !== 'fixed') throw invalid('--value-bytes: beside --trace expected a number of bytes')
  const source: SourceSpec = {
    kind: 'trace',
    trace: requests,
    valueBytes: values.value,
    ttlSeconds: ttl.parts[0]?.seconds ?? 0,
  }
  const speed = flags.speed === undefined ? undefined : parseSpeed(flags.speed)
  const durationMs = flags.duration === undefined ? 0 : workload.phases[0]!.durationMs
  return {
    source,
    keys: { kind: 'named', prefix: flags.prefix, names, ends },
    keyCount: ends.length,
    operations: withFill(traceOperations),
    phases: [
      {
        name: 'replay',
        durationMs,
        rate: speed === undefined ? { kind: 'max' } : { kind: 'trace', speed },
        hotShift: 0,
      },
    ],
    warmup: flags.warmup === undefined ? { kind: 'time', ms: 0 } : workload.warmup,
  }
}

/** `2x` to a factor; `max`: undefined. */
function parseSpeed(text: string): number | undefined {
  if (text === 'max') return undefined
  const [, digits] = /^(\d+(?:\.\d+)?)x?$/.exec(text) ?? []
  if (Number(digits) > 0) return Number(digits)
  throw invalid(`--speed ${printable(text)}: expected a factor, as in 2x, or max`)
}
