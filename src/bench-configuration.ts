/** How a run is made, as its result says it: two runs compare where it is the same. */
import type { BenchJob } from './bench-job.js'
import type { Configuration } from './measure/bench-result.js'
import { printable } from './printable.js'
import { formatDistribution } from './workload/key-distribution.js'
import { formatRate } from './workload/rate-profile.js'
import { formatLatencyMs, formatSize } from './workload/size-text.js'
import { formatTtl } from './workload/ttl-mix.js'
import type { PhaseSpec, SourceOfTruthSpec, WarmupSpec, Workload } from './workload/workload.js'

export function configurationOf(job: BenchJob): Configuration {
  const { source, workload } = job
  const { values, ttl, source: truth } = workload
  const isOpen = job.phases.some(({ rate }) => rate.kind !== 'max')
  return {
    workload: source.kind === 'trace' ? 'trace' : printable(workload.name),
    keys: job.keyCount,
    ...(source.kind === 'trace' ? { traceRequests: source.trace.keys.length } : drawn(workload)),
    valueBytes: values.kind === 'fixed' ? values.value : formatSize(values),
    ttl: formatTtl(ttl),
    ...(ttl.jitter > 0 ? { ttlJitter: ttl.jitter } : {}),
    phases: job.phases.map(phaseText).join('; '),
    connections: job.connections,
    pipeline: job.pipeline,
    threads: job.threads,
    ...(job.agents ? { agents: job.agents.count } : {}),
    ...(isOpen ? { maxInFlight: job.maxInFlight, pace: job.pace } : {}),
    verify: job.verify,
    ...(truth ? { source: `${sourceText(truth)}, ${truth.capacity || 'any number'} at a time` } : {}),
    ...strategyConfiguration(job),
    ...(job.lruEntries === undefined ? {} : { lruEntries: job.lruEntries }),
    ...(job.requestLimit > 0 ? { requests: job.requestLimit } : {}),
    warmup: warmupText(job.warmup),
  }
}

function strategyConfiguration({ strategy }: BenchJob): Configuration {
  if (!strategy) return {}
  const { kind, processes, l1, ttlMs, staleMs, jitterShare, earlyBeta } = strategy
  return {
    strategy: kind,
    processes,
    l1: l1 === 'hot' ? 'hot keys' : l1 ? `${l1.entries} ${l1.policy}` : 'none',
    cacheTtlMs: ttlMs,
    ...(staleMs > 0 ? { staleMs } : {}),
    jitter: jitterShare,
    early: earlyBeta === 0 ? 'off' : earlyBeta,
  }
}

function drawn({ distribution, operations, keys }: Workload): Configuration {
  return {
    distribution: formatDistribution(distribution),
    operations: operations.map(({ name, weight }) => `${name}:${weight}`).join(','),
    ...(keys.bytes ? { keyBytes: formatSize(keys.bytes) } : {}),
  }
}

/** Without its duration: runs of different length compare. */
function phaseText({ name, rate, hotShift }: PhaseSpec): string {
  const arrivals = rate.kind === 'open' ? ` ${rate.arrivals}` : ''
  const shift = hotShift > 0 ? `, hot set shifted by ${hotShift}` : ''
  return `${printable(name)} ${formatRate(rate)}${arrivals}${shift}`
}

function warmupText(warmup: WarmupSpec): string {
  return warmup.kind === 'time' ? `${warmup.ms} ms` : `until steady, at most ${warmup.maxMs} ms`
}

/** A database by its place, without its user. */
function sourceText({ latencyMs, postgresUrl }: SourceOfTruthSpec): string {
  if (postgresUrl === undefined) return formatLatencyMs(latencyMs)
  const { host, pathname } = new URL(postgresUrl)
  return printable(`postgres://${host}${pathname}`)
}
