/** A load run from the first look at the nodes to the clean-up: refuse mistakes, fill, measure, judge, remove. */
import { CachectlError, describeError, ExitCode, refused } from '../errors.js'
import { type BenchMeasures, foldRun, type RawCounts } from '../measure/bench-measures.js'
import type { RunIdentity, ServerSettings } from '../measure/bench-result.js'
import { type Bottleneck, bottleneckOf } from '../measure/bottleneck.js'
import { evaluateGates, type GateResult } from '../measure/gate.js'
import type { Gate } from '../measure/gate-parse.js'
import type { RunCounts } from '../measure/run-counts.js'
import { emptySeries } from '../measure/series.js'
import { shortfalls } from '../measure/trust.js'
import type { LoadPort, LoadRequest, NodeFactsPort, ProgressPort, ServerFacts } from './ports.js'
import { requireAnswers } from './preflight.js'

export interface BenchRequest extends LoadRequest {
  readonly gates: readonly Gate[]
  /** Write every key before measuring. */
  readonly fill: boolean
  /** Leave the keys on the nodes. */
  readonly keep: boolean
}

export interface BenchPorts {
  readonly facts: NodeFactsPort
  readonly load: LoadPort
  readonly progress: ProgressPort
  readonly signal: AbortSignal
  /** Once the measured counts are in; for histograms in the result file. */
  onCounts?(counts: RunCounts): void
}

export interface BenchOutcome
  extends BenchMeasures,
    Pick<RunIdentity, 'servers' | 'serverSettings' | 'interrupted' | 'warnings'> {
  readonly gates: readonly GateResult[]
  readonly bottleneck: Bottleneck
}

const bulkPipeline = 64

/** What was measured is returned even when the clean-up fails: that is a warning then. */
export async function runBench(request: BenchRequest, ports: BenchPorts): Promise<BenchOutcome> {
  const servers = await lookAtNodes(request, ports.facts)
  try {
    const outcome = await measure(request, ports, servers)
    const problem = await removeKeys(request, ports)
    return problem === undefined ? outcome : { ...outcome, warnings: [...outcome.warnings, problem] }
  } catch (error) {
    await removeKeys(request, ports)
    throw error
  } finally {
    ports.progress.end()
  }
}

async function measure(
  request: BenchRequest,
  ports: BenchPorts,
  servers: readonly Server[],
): Promise<BenchOutcome> {
  const { progress, signal } = ports
  const onProgress = (label: string) => (now: { passedMs: number; answered: number }) => {
    progress.update(
      `${label} ${(now.passedMs / 1000).toFixed(0)} s, ${now.answered.toLocaleString('en')} requests`,
    )
  }
  if (request.fill) {
    const filled = foldRun(
      toRunCounts(
        await ports.load.run(everyKey(request, 'set'), { signal, onProgress: onProgress('filling') }),
      ),
    )
    refuseFailedFill(filled)
  }
  signal.throwIfAborted()
  const counts = toRunCounts(
    await ports.load.run(request, { signal, onProgress: (now) => onProgress(now.label)(now) }),
  )
  ports.onCounts?.(counts)
  const measures = foldRun(counts)
  const interrupted = signal.aborted
  return {
    ...measures,
    gates: interrupted ? [] : evaluateGates(request.gates, { counts, measures }, { allowLag: false }),
    interrupted,
    servers: Object.fromEntries(servers.map(({ id, facts }) => [id, facts.version])),
    serverSettings: Object.fromEntries(servers.map(({ id, facts }) => [id, settingsOf(facts)])),
    bottleneck: bottleneckOf({ counts, measures }, { spins: false }),
    warnings: warningsOf(request, measures, servers),
  }
}

function settingsOf(facts: ServerFacts): ServerSettings {
  const { version, maxmemoryBytes, evictionPolicy, ioThreads, appendOnly } = facts
  return { version, maxmemoryBytes, evictionPolicy, ioThreads, appendOnly }
}

interface Server {
  readonly id: string
  readonly facts: ServerFacts
}

/** Refuses what can only go wrong, before the first byte of load. */
async function lookAtNodes(request: BenchRequest, port: NodeFactsPort): Promise<Server[]> {
  const { nodes } = request.topology
  const facts = await port.factsOf(nodes)
  requireAnswers(facts, 'Every node must answer before the load starts.')
  const servers = nodes.flatMap((node, index): Server[] => {
    const answer = facts[index]
    return answer?.reachable ? [{ id: node.id, facts: answer }] : []
  })
  const problems = servers.flatMap(({ id, facts: { role, maxClients } }) => [
    ...(role === 'replica' ? [`node ${id} is a readonly replica; name its primary in the topology`] : []),
    ...(request.connections + 10 > maxClients
      ? [`node ${id} takes ${maxClients} clients, --connections is ${request.connections}`]
      : []),
  ])
  if (problems.length > 0) throw refused(problems.join('\n'), 'No load was sent.')
  return servers
}

function everyKey(request: BenchRequest, op: 'set' | 'del'): LoadRequest {
  const connections = Math.min(request.connections, 8 * request.topology.nodes.length)
  return {
    ...request,
    source: { kind: 'every-key', op },
    connections,
    pipeline: bulkPipeline,
    threads: 1,
    warmupMs: 0,
    durationMs: 0,
    requestLimit: 0,
  }
}

function refuseFailedFill({ errors, errorKinds }: BenchMeasures): void {
  if (errors === 0) return
  const kinds = Object.entries(errorKinds).map(([kind, count]) => `${count} × ${kind}`)
  throw new CachectlError(`filling failed: ${kinds.join(', ')}`, {
    exitCode: ExitCode.stopped,
    remedy: 'Nothing was measured: the keys would not have been there.',
  })
}

/** Also after Ctrl-C: the signal of the run is not the clean-up's. What went wrong, or undefined. */
async function removeKeys(
  request: BenchRequest,
  { load, progress }: BenchPorts,
): Promise<string | undefined> {
  if (request.keep) return undefined
  try {
    const raw = await load.run(everyKey(request, 'del'), {
      signal: new AbortController().signal,
      onProgress: ({ answered }) => progress.update(`removing keys, ${answered.toLocaleString('en')} done`),
    })
    const { errors } = foldRun(toRunCounts(raw))
    return errors === 0 ? undefined : `${errors} of the load's keys could not be removed`
  } catch (error) {
    return `the load's keys were not removed: ${describeError(error)}; the same run again removes them`
  }
}

function warningsOf(request: BenchRequest, measures: BenchMeasures, servers: readonly Server[]): string[] {
  const warnings = shortfalls(measures).map(({ text }) => text)
  if (measures.overall.count === 0) warnings.push('no request was answered')
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

/** One phase, no series: today's engine in the terms of the results. */
export function toRunCounts(raw: RawCounts): RunCounts {
  return {
    mode: 'closed',
    nodeIds: raw.nodeIds,
    operationNames: raw.operationNames,
    phases: [
      { name: 'measure', seconds: raw.seconds, offered: 0, unsent: 0, unanswered: 0, heldBackSeconds: 0 },
    ],
    cells: raw.histograms.flatMap((operations, node) =>
      operations.map((service, op) => ({ phase: 0, node, op, service })),
    ),
    outcomes: raw.nodeIds.map((_, node) => ({
      phase: 0,
      node,
      hits: raw.hits[node]!,
      misses: raw.misses[node]!,
      errors: raw.nodeErrors[node]!,
    })),
    errorKinds: raw.errorKinds,
    generator: { threadCpuShares: [], hostNoise: { p999Ms: 0, maxMs: 0 } },
    series: emptySeries,
  }
}
