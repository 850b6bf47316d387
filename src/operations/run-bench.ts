/** A load run: measured between the fill and the clean-up, folded, judged. */
import { type BenchMeasures, foldRun, type MeasuredRun } from '../measure/bench-measures.js'
import { type Bottleneck, bottleneckOf } from '../measure/bottleneck.js'
import { evaluateGates, type GateResult } from '../measure/gate.js'
import type { Gate } from '../measure/gate-parse.js'
import type { RunCounts } from '../measure/run-counts.js'
import { shortfalls } from '../measure/trust.js'
import type { LoadInterval, LoadProgress, ServerFacts } from './ports.js'
import { type LoadKeysPorts, type LoadKeysRequest, type Server, withLoadKeys } from './with-load-keys.js'

export interface BenchRequest extends LoadKeysRequest {
  readonly gates: readonly Gate[]
  /** Judge the gates of a run that fell short of its schedule. */
  readonly allowLag: boolean
}

export interface BenchPorts extends LoadKeysPorts {
  /** One line for a run that is being measured. */
  describeProgress(progress: LoadProgress): string
  onInterval?(interval: LoadInterval): void
  /** For gates that are relative to it. */
  readonly baseline?: MeasuredRun
}

export interface BenchOutcome extends BenchMeasures {
  readonly gates: readonly GateResult[]
  readonly bottleneck: Bottleneck
  readonly interrupted: boolean
  readonly servers: Readonly<Record<string, ServerFacts>>
  readonly warnings: readonly string[]
  readonly counts: RunCounts
}

export function runBench(request: BenchRequest, ports: BenchPorts): Promise<BenchOutcome> {
  return withLoadKeys(request, ports, (servers) => measure(request, ports, servers))
}

export async function measure(
  request: BenchRequest,
  ports: BenchPorts,
  servers: readonly Server[],
): Promise<BenchOutcome> {
  const { baseline, describeProgress, onInterval, progress, signal } = ports
  const counts = await ports.load.run(request, {
    signal,
    onProgress: (now) => progress.update(describeProgress(now)),
    ...(onInterval ? { onInterval } : {}),
  })
  const measures = foldRun(counts)
  const interrupted = signal.aborted
  const context = { allowLag: request.allowLag, ...(baseline ? { baseline } : {}) }
  return {
    ...measures,
    gates: interrupted ? [] : evaluateGates(request.gates, { counts, measures }, context),
    interrupted,
    servers: Object.fromEntries(servers.map(({ id, facts }) => [id, facts])),
    bottleneck: bottleneckOf(
      { counts, measures },
      { spins: measures.mode === 'open' && request.pace === 'exact' },
    ),
    warnings: warningsOf(request, measures, servers),
    counts,
  }
}

function warningsOf(request: BenchRequest, measures: BenchMeasures, servers: readonly Server[]): string[] {
  const warnings = shortfalls(measures).map(({ text }) => text)
  if (measures.overall.count === 0) warnings.push('no request was answered')
  if (measures.warmup.steady === false)
    warnings.push(`the warm-up ended after ${measures.warmup.seconds.toFixed(0)} s and was not steady yet`)
  const evicting = servers.filter(
    ({ facts }) => facts.maxmemoryBytes > 0 && facts.evictionPolicy !== 'noeviction',
  )
  if (evicting.length > 0)
    warnings.push(
      `nodes that evict keys: ${evicting.map(({ id }) => id).join(', ')}; the hit ratio depends on it`,
    )
  if (request.source.kind === 'trace' && request.threads * (measures.agents?.length ?? 1) > 1) {
    warnings.push(
      'several threads or agents replay a trace out of its order; the hit ratio of a full cache depends on the order',
    )
  }
  return warnings
}
