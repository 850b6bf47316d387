/**
 * A run's figures in Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), for the
 * node exporter's textfile directory or a push gateway. Base units: seconds, bytes, shares of 1. Parts of the run have
 * metrics of their own, so that a sum over labels counts nothing twice.
 */
import type { Outcomes, TimedSummary } from '../measure/bench-measures.js'
import type { BenchResult } from '../measure/bench-result.js'
import { readTiers } from '../measure/cache-counts.js'
import type { LatencySummary } from '../measure/latency-histogram.js'
import { type Labels, prometheusFamily, prometheusLine } from './prometheus-text.js'

type Sample = readonly [labels: Labels, value: number | null]

export function toPrometheus(result: BenchResult): string {
  const { operations, nodes, phases, gates } = result
  return [
    gauge('info', 'What was run; always 1.', [
      [
        {
          topology: result.topology,
          workload: String(result.configuration.workload ?? ''),
          mode: result.mode,
          seed: String(result.seed),
        },
        1,
      ],
    ]),
    gauge('duration_seconds', 'Time measured.', [[{}, result.seconds]]),
    gauge('interrupted', '1: the run was interrupted, and gates were not judged.', [
      [{}, result.interrupted ? 1 : 0],
    ]),
    gauge('throughput_per_second', 'Answered requests.', [[{}, result.throughputPerSec]]),
    gauge('offered_per_second', 'Requests that were due, in an open loop.', [[{}, result.offeredPerSec]]),
    gauge('achieved_share', 'Of what was due, answered in time; in an open loop.', [
      [{}, result.achievedShare],
    ]),
    gauge('send_lag_seconds', 'Send time behind the due time.', lagOf(result)),
    ...outcomes('', 'the run', [[{}, result]]),
    gauge(
      'errors_by_kind',
      'Failed requests, by what the server or the connection said.',
      Object.entries(result.errorKinds).map(([kind, count]) => [{ kind }, count]),
    ),
    gauge('wrong_values', 'Verified values that were not what was written.', [
      [{}, result.verified?.wrong ?? null],
    ]),
    gauge('stale_values', 'Verified values that a later write had replaced.', [
      [{}, result.verified?.stale ?? null],
    ]),
    ...cacheMetrics(result),
    summary('latency_seconds', 'Of all requests; clock: response or service time.', result.mode, [
      [{}, result.latency],
    ]),
    summary('op_latency_seconds', 'By operation.', result.mode, labelled('op', operations)),
    summary('node_latency_seconds', 'By node.', result.mode, labelled('node', nodes)),
    ...outcomes('node_', 'the node', labelled('node', nodes)),
    gauge(
      'node_evicted_keys',
      'Keys that the node evicted while measuring.',
      labelled('node', nodes).map(([labels, { evicted }]) => [labels, evicted]),
    ),
    ...(phases.length > 1 ? phaseMetrics(result) : []),
    gauge(
      'gate_passed',
      '1: the gate holds.',
      gates.map(({ expression, passed }) => [{ gate: expression }, passed ? 1 : 0]),
    ),
  ].join('')
}

function cacheMetrics({ cache }: BenchResult): string[] {
  if (!cache) return []
  return [
    gauge(
      'cache_reads',
      'Reads through the cache library, by the tier that served them.',
      readTiers.map((tier) => [{ tier }, cache.tiers[tier].count]),
    ),
    gauge('cache_no_wait_ratio', 'Of reads, that did not wait for the source.', [[{}, cache.noWaitRatio]]),
    gauge('cache_loads', 'Calls of the loader.', [[{}, cache.loads]]),
    gauge('cache_stale_reads', 'Values that an acknowledged write had replaced before the read.', [
      [{ later_than: '0' }, cache.staleReads.count],
      [{ later_than: '1' }, cache.staleReads.late],
    ]),
    gauge('cache_stale_age_seconds', 'The oldest of them.', [[{}, cache.staleReads.maxAgeMs / 1000]]),
  ]
}

function phaseMetrics({ mode, phases }: BenchResult): string[] {
  const labelledPhases = phases.map((phase) => [{ phase: phase.name }, phase] as const)
  return [
    gauge(
      'phase_throughput_per_second',
      'Answered requests.',
      labelledPhases.map(([labels, { throughputPerSec }]) => [labels, throughputPerSec]),
    ),
    summary('phase_latency_seconds', 'By phase.', mode, labelledPhases),
    ...outcomes('phase_', 'the phase', labelledPhases),
  ]
}

function outcomes(prefix: string, of: string, parts: readonly (readonly [Labels, Outcomes])[]): string[] {
  const take = (pick: (part: Outcomes) => number | null) =>
    parts.map(([labels, part]): Sample => [labels, pick(part)])
  return [
    gauge(
      `${prefix}hits`,
      `Reads of ${of} that found a value.`,
      take(({ hits }) => hits),
    ),
    gauge(
      `${prefix}misses`,
      `Reads of ${of} that found none.`,
      take(({ misses }) => misses),
    ),
    gauge(
      `${prefix}hit_ratio`,
      `Hits of ${of} over its reads.`,
      take(({ hitRatio }) => hitRatio),
    ),
    gauge(
      `${prefix}errors`,
      `Failed requests of ${of}.`,
      take(({ errors }) => errors),
    ),
  ]
}

function lagOf({ sendLag }: BenchResult): Sample[] {
  if (!sendLag) return []
  return [
    [{ quantile: '0.5' }, sendLag.p50Ms / 1000],
    [{ quantile: '0.99' }, sendLag.p99Ms / 1000],
    [{ quantile: '1' }, sendLag.maxMs / 1000],
  ]
}

function labelled<T>(label: string, parts: Readonly<Record<string, T>>): (readonly [Labels, T])[] {
  return Object.entries(parts).map(([name, part]) => [{ [label]: name }, part])
}

/** '' where no value is known. */
function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const known = samples.filter(([, value]) => value !== null)
  if (known.length === 0) return ''
  return family(
    name,
    help,
    'gauge',
    known.map(([labels, value]) => line(name, labels, value!)),
  )
}

const quantiles = [
  ['0.5', 'p50Ms'],
  ['0.9', 'p90Ms'],
  ['0.95', 'p95Ms'],
  ['0.99', 'p99Ms'],
  ['0.999', 'p999Ms'],
  ['0.9999', 'p9999Ms'],
  ['1', 'maxMs'],
] as const

function summary(
  name: string,
  help: string,
  mode: BenchResult['mode'],
  parts: readonly (readonly [Labels, TimedSummary])[],
): string {
  const ofClock = (labels: Labels, clock: string, part: LatencySummary) => {
    const own = { ...labels, clock }
    if (part.count === 0) return []
    return [
      ...quantiles.map(([quantile, field]) => line(name, { ...own, quantile }, part[field] / 1000)),
      line(`${name}_sum`, own, (part.meanMs * part.count) / 1000),
      line(`${name}_count`, own, part.count),
    ]
  }
  const lines = parts.flatMap(([labels, part]) => [
    ...ofClock(labels, mode === 'open' ? 'response' : 'service', part),
    ...(part.service ? ofClock(labels, 'service', part.service) : []),
  ])
  return lines.length === 0 ? '' : family(name, help, 'summary', lines)
}

const prefix = 'cachectl_bench_'

function family(name: string, help: string, type: 'gauge' | 'summary', lines: readonly string[]): string {
  return prometheusFamily({ name: prefix + name, help, type }, lines)
}

function line(name: string, labels: Labels, value: number): string {
  return prometheusLine(prefix + name, labels, value)
}
