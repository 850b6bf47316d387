/** A load run: measured between the fill and the clean-up, folded, judged. */
import { type BenchMeasures, foldRun, type MeasuredRun } from '../measure/bench-measures.js'
import type { RunIdentity, ServerSettings } from '../measure/bench-result.js'
import { type Bottleneck, bottleneckOf } from '../measure/bottleneck.js'
import { evaluateGates, type GateResult } from '../measure/gate.js'
import type { Gate } from '../measure/gate-parse.js'
import type { RunCounts } from '../measure/run-counts.js'
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
  /** Once the measured counts are in; for histograms in the result file. */
  onCounts?(counts: RunCounts): void
  /** For gates that are relative to it. */
  readonly baseline?: MeasuredRun
}

export interface BenchOutcome
  extends BenchMeasures,
    Pick<RunIdentity, 'servers' | 'serverSettings' | 'interrupted' | 'warnings'> {
  readonly gates: readonly GateResult[]
  readonly bottleneck: Bottleneck
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
  ports.onCounts?.(counts)
  const measures = foldRun(counts)
  const interrupted = signal.aborted
  const context = { allowLag: request.allowLag, ...(baseline ? { baseline } : {}) }
  return {
    ...measures,
    gates: interrupted ? [] : evaluateGates(request.gates, { counts, measures }, context),
    interrupted,
    servers: Object.fromEntries(servers.map(({ id, facts }) => [id, facts.version])),
    serverSettings: Object.fromEntries(servers.map(({ id, facts }) => [id, settingsOf(facts)])),
    bottleneck: bottleneckOf(
      { counts, measures },
      { spins: measures.mode === 'open' && request.pace === 'exact' },
    ),
    warnings: warningsOf(request, measures, servers),
  }
}

function settingsOf(facts: ServerFacts): ServerSettings {
  const { version, maxmemoryBytes, evictionPolicy, ioThreads, appendOnly } = facts
  return { version, maxmemoryBytes, evictionPolicy, ioThreads, appendOnly }
}

function warningsOf(request: BenchRequest, measures: BenchMeasures, servers: readonly Server[]): string[] {
  const warnings: string[] = []
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
  if (request.source.kind === 'trace' && request.threads > 1) {
    warnings.push(
      'several threads replay a trace out of its order; the hit ratio of a full cache depends on the order',
    )
  }
  return warnings
}
