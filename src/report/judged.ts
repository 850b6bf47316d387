/** What CI servers are told of a run or a comparison: gates, warnings and a summary. */
import type { BenchResult } from '../measure/bench-result.js'
import type { Comparison } from '../measure/comparison.js'
import type { GateResult } from '../measure/gate.js'
import { describeValue } from '../measure/gate-metric.js'

export interface Judged {
  /** `cachectl bench TOPOLOGY`. */
  readonly subject: string
  /** Lines. */
  readonly summary: readonly string[]
  readonly gates: readonly GateResult[]
  readonly warnings: readonly string[]
  /** Gates were not judged. */
  readonly interrupted: boolean
  readonly seconds: number
}

export function judgedRun(result: BenchResult): Judged {
  const { bottleneck, comparison, gates, interrupted, seconds, topology, warnings } = result
  return {
    subject: `cachectl bench ${topology}`,
    summary: [
      describeRun(result),
      ...(bottleneck ? [`bottleneck: ${bottleneck.reason}`] : []),
      ...(comparison ? [describeVerdict(comparison, 'the baseline')] : []),
    ],
    gates,
    warnings: [...warnings, ...(comparison?.warnings ?? [])],
    interrupted,
    seconds,
  }
}

/** `before`: what it was compared with. */
export function describeVerdict({ verdict, metrics }: Comparison, before: string): string {
  const named = metrics.filter(({ decision }) => decision === verdict && decision !== 'no significant change')
  const list = named.length === 0 ? '' : ` (${named.map(({ metric }) => metric).join(', ')})`
  return `compared with ${before}: ${verdict}${list}`
}

/** What was wrong with a gate, in one line. */
export function describeFailure({ value, limit, unit, reason }: GateResult): string {
  const parts = [
    value === null ? 'no value' : `value ${describeValue(value, unit)}`,
    ...(limit === null ? [] : [`limit ${describeValue(limit, unit)}`]),
    ...(reason === undefined ? [] : [reason]),
  ]
  return parts.join('; ')
}

function describeRun({ throughputPerSec, latency, hitRatio, errors, mode }: BenchResult): string {
  const time = mode === 'open' ? 'response' : 'service'
  return [
    `${Math.round(throughputPerSec).toLocaleString('en')} requests/s`,
    `${time} time p50 ${describeValue(latency.p50Ms, 'ms')}, p99 ${describeValue(latency.p99Ms, 'ms')}`,
    ...(hitRatio === null ? [] : [`hit ratio ${hitRatio.toFixed(4)}`]),
    `${errors.toLocaleString('en')} errors`,
  ].join(', ')
}
