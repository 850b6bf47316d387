/** A load through the cache library: what is said about it on the command line, checked, and its processes started. */
import * as Flags from '@oclif/core/flags'
import { systemClock } from './clock.js'
import { invalid } from './errors.js'
import { formatLoadRequest } from './files/load-request-json.js'
import type { LoadPort, LoadRequest, NodeAccess } from './operations/ports.js'
import { printable } from './printable.js'
import { keyNumbers } from './redis/load/keys.js'
import { runLoad } from './redis/load/run.js'
import { startLoadProcesses } from './redis/load/strategy/processes.js'
import type { PostgresLoad } from './sources/postgres-load.js'
import { parseDurationMs } from './workload/duration.js'
import { l1Policies, type Strategy, type StrategySpec, strategies } from './workload/strategy.js'
import type { Workload } from './workload/workload.js'

export const strategyFlags = {
  strategy: Flags.string({
    helpValue: 'NAME',
    options: [...strategies],
    summary:
      'Load the cache library in place of the nodes: aside, read-through, write-through, write-behind.',
  }),
  processes: Flags.integer({
    helpValue: 'N',
    summary: 'With --strategy: processes, each with a cache of its own; default 2.',
    min: 1,
    max: 64,
  }),
  l1: Flags.string({
    helpValue: 'ENTRIES|hot',
    summary:
      'With --strategy: entries of each process; 0: no L1; hot: published hot keys only; default 10,000.',
  }),
  'l1-policy': Flags.string({
    helpValue: 'NAME',
    options: [...l1Policies],
    summary: 'With --strategy: who leaves L1; default s3fifo.',
  }),
  stale: Flags.string({
    helpValue: 'TIME',
    summary: 'With --strategy: so long after its --ttl a value is served while it is loaded anew; default 0.',
  }),
  jitter: Flags.string({
    helpValue: 'SHARE',
    summary: 'With --strategy: each --ttl is shorter by up to this share; default 0.1.',
  }),
  early: Flags.string({
    helpValue: 'BETA',
    summary: 'With --strategy: β of early refreshes (XFetch), off: none; default 1.',
  }),
}

export interface StrategyFlags {
  readonly strategy?: string | undefined
  readonly processes?: number | undefined
  readonly l1?: string | undefined
  readonly 'l1-policy'?: string | undefined
  readonly stale?: string | undefined
  readonly jitter?: string | undefined
  readonly early?: string | undefined
}

/** What else is asked for, as far as it may not go with a strategy. */
interface OtherFlags {
  readonly prefix: string
  readonly threads: number
  readonly connections: number
  readonly target?: string | undefined
  readonly agents?: number | undefined
  readonly source?: string | undefined
  readonly 'ttl-jitter'?: string | undefined
}

const defaultProcesses = 2
const defaultL1Entries = 10_000
const maxL1Entries = 100_000_000
const defaultTtlMs = 3_600_000
/** Values carry a stamp with their version. */
const leastValueBytes = 16
/** Of a database's rows, where values have no one size. */
const typicalValueBytes = 256

/** undefined: no strategy. Errors: `invalid`, naming the flags that do not go together. */
export function strategyOf(flags: StrategyFlags & OtherFlags, workload: Workload): StrategySpec | undefined {
  const kind = strategies.find((each) => each === flags.strategy)
  if (kind === undefined) {
    for (const name of ['processes', 'l1', 'l1-policy', 'stale', 'jitter', 'early'] as const)
      if (flags[name] !== undefined) throw invalid(`--${name} needs --strategy`)
    if (workload.source?.postgresUrl !== undefined) throw invalid('--source postgres://… needs --strategy')
    return undefined
  }
  refuseMistakes(kind, flags, workload)
  const { processes = defaultProcesses } = flags
  const l1 = l1Of(flags)
  if (flags.connections < processes)
    throw invalid(`--connections ${flags.connections}: ${processes} processes need at least one caller each`)
  const seconds = workload.ttl.parts[0]?.seconds ?? 0
  return {
    kind,
    processes,
    ...(l1 ? { l1 } : {}),
    namespace: flags.prefix.slice(0, -1),
    ttlMs: seconds > 0 ? seconds * 1_000 : defaultTtlMs,
    staleMs: flags.stale === undefined ? 0 : parseDurationMs(flags.stale, '--stale'),
    jitterShare: flags.jitter === undefined ? 0.1 : jitterOf(flags.jitter),
    earlyBeta: flags.early === undefined ? 1 : earlyOf(flags.early),
  }
}

function l1Of({ l1 = String(defaultL1Entries), 'l1-policy': policy }: StrategyFlags): StrategySpec['l1'] {
  if (l1 === 'hot') {
    if (policy !== undefined)
      throw invalid('--l1 hot and --l1-policy: of the hot keys none leaves for another')
    return 'hot'
  }
  const entries = /^\d{1,9}$/.test(l1) ? Number(l1) : Number.NaN
  if (!(entries <= maxL1Entries))
    throw invalid(`--l1 ${printable(l1)}: it is a number of entries from 0 to ${maxL1Entries}, or hot`)
  if (entries > 0) return { entries, policy: l1Policies.find((each) => each === policy) ?? 's3fifo' }
  if (policy !== undefined) throw invalid('--l1 0 and --l1-policy: there is no L1')
  return undefined
}

function refuseMistakes(kind: Strategy, flags: StrategyFlags & OtherFlags, workload: Workload): void {
  const beside = (name: string, why: string) => invalid(`--strategy ${kind} and --${name}: ${why}`)
  if (!workload.source)
    throw invalid(
      `--strategy ${kind} needs --source: what the cache stands before`,
      'As in --source simulated:5ms.',
    )
  if (flags.target !== undefined) throw beside('target', 'there is no ring to load')
  if (flags.agents !== undefined) throw beside('agents', 'its processes run on one machine')
  if (flags.threads > 1) throw beside('threads', 'it takes --processes, because L1 belongs to a process')
  if (flags['ttl-jitter'] !== undefined)
    throw beside('ttl-jitter', 'the cache has a jitter of its own, --jitter')
  if (!/^[^:#\s]+:$/.test(flags.prefix))
    throw invalid(
      `--prefix ${printable(flags.prefix)}: with --strategy it is the cache's namespace`,
      'One word without : and #, and then a colon.',
    )
  const other = workload.operations.find(
    ({ kind: each, keyspace }) => each === 'command' || each === 'read-many' || keyspace !== '',
  )
  if (other)
    throw invalid(
      `--strategy ${kind} and the operation ${other.name}: a cache has get, set, del, insert and rmw`,
    )
  const { values } = workload
  if (values.kind === 'fixed' && values.value < leastValueBytes)
    throw invalid(`--strategy needs values of at least ${leastValueBytes} bytes, which carry their version`)
}

function jitterOf(text: string): number {
  const share = Number(text)
  if (text.trim() !== '' && share >= 0 && share < 1) return share
  throw invalid(`--jitter ${printable(text)}: expected a number from 0 to below 1`)
}

function earlyOf(text: string): number {
  if (text === 'off') return 0
  const beta = Number(text)
  if (text.trim() !== '' && beta > 0 && Number.isFinite(beta)) return beta
  throw invalid(`--early ${printable(text)}: expected a number above 0, or off`)
}

export interface StrategyLoadOptions {
  readonly accesses: readonly NodeAccess[]
  /** The ring's file, which the caches follow. */
  readonly topologyPath: string
  readonly tracePath?: string | undefined
  /** For requests without a strategy: filling and cleaning up. */
  readonly plain: LoadPort
}

/** Requests with a strategy go through the cache library, in processes of their own. */
export function createStrategyLoad(options: StrategyLoadOptions): LoadPort {
  const { accesses, topologyPath, tracePath, plain } = options
  const program = new URL('./bench-cache-process.js', import.meta.url)
  return {
    run: async (request, hooks) => {
      const { strategy } = request
      if (!strategy) return plain.run(request, hooks)
      const text = formatLoadRequest(request, tracePath)
      const database = await openDatabase(request)
      try {
        return await runLoad({ accesses, clock: systemClock, request, ...hooks }, (run) =>
          startLoadProcesses(run, { strategy, program, topologyPath, request: text, work: database?.work }),
        )
      } finally {
        await database?.close()
      }
    },
  }
}

/** The table behind the run, where its source is a real database. */
async function openDatabase({ sourceOfTruth, keys, source }: LoadRequest): Promise<PostgresLoad | undefined> {
  if (sourceOfTruth?.postgresUrl === undefined) return undefined
  const { openPostgresLoad } = await import('./sources/postgres-load.js').catch((error: unknown) => {
    throw invalid('--source postgres://…: the package pg is not installed', 'npm install pg', error)
  })
  return openPostgresLoad({
    url: sourceOfTruth.postgresUrl,
    keys: keyNumbers(keys),
    valueBytes:
      source.kind === 'mix' && source.values.kind === 'fixed' ? source.values.value : typicalValueBytes,
    connections: sourceOfTruth.capacity,
  })
}
