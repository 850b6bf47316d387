/** A load run from the first look at the nodes to the clean-up: refuse mistakes, fill, prove it, measure, judge, remove. */
import { CachectlError, describeError, ExitCode, refused } from '../errors.js'
import { type BenchMeasures, foldRun, type MeasuredRun } from '../measure/bench-measures.js'
import { type Bottleneck, bottleneckOf } from '../measure/bottleneck.js'
import { evaluateGates, type GateResult } from '../measure/gate.js'
import type { Gate } from '../measure/gate-parse.js'
import type { RunCounts } from '../measure/run-counts.js'
import { shortfalls } from '../measure/trust.js'
import type { MixSpec } from '../workload/request-source.js'
import { bulkRequest, lookUpRequest, removeRequests } from './bulk-load.js'
import type {
  LoadInterval,
  LoadPort,
  LoadProgress,
  LoadRequest,
  NodeFactsPort,
  ProgressPort,
  ServerFacts,
} from './ports.js'
import { requireAnswers } from './preflight.js'

export interface BenchRequest extends LoadRequest {
  readonly gates: readonly Gate[]
  /** Write every key before measuring, with these sizes and expiry times. */
  readonly fill?: MixSpec
  /** Measure although keys are missing after the fill. */
  readonly allowMissing: boolean
  /** Judge the gates of a run that fell short of its schedule. */
  readonly allowLag: boolean
  /** Leave the keys on the nodes. */
  readonly keep: boolean
}

export interface BenchPorts {
  readonly facts: NodeFactsPort
  readonly load: LoadPort
  readonly progress: ProgressPort
  readonly signal: AbortSignal
  /** One line for a run that is being measured. */
  describeProgress(progress: LoadProgress): string
  onInterval?(interval: LoadInterval): void
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

/** More of the looked-up keys missing than this, and nothing is measured. */
const mostMissing = 0.01

/** What was measured is returned even when the clean-up fails: that is a warning then. */
export async function runBench(request: BenchRequest, ports: BenchPorts): Promise<BenchOutcome> {
  const servers = await lookAtNodes(request, ports.facts)
  try {
    const missing = request.fill ? await fill(request, request.fill, ports) : undefined
    ports.signal.throwIfAborted()
    const outcome = await measure(request, ports, servers)
    const problem = await removeKeys(request, ports)
    const warnings = [missing, ...outcome.warnings, problem].filter((text) => text !== undefined)
    return { ...outcome, warnings }
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
    bottleneck: bottleneckOf(
      { counts, measures },
      { spins: counts.mode === 'open' && request.pace === 'exact' },
    ),
    servers: Object.fromEntries(servers.map(({ id, facts }) => [id, facts])),
    warnings: warningsOf(request, measures, servers),
    counts,
  }
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

/** Writes every key, then looks some of those up that will be measured; a warning where some are missing. */
async function fill(request: BenchRequest, values: MixSpec, ports: BenchPorts): Promise<string | undefined> {
  const { load, progress, signal } = ports
  const filled = foldRun(
    await load.run(bulkRequest(request, values), {
      signal,
      onProgress: ({ answered }) => progress.update(`filling, ${answered.toLocaleString('en')} keys written`),
    }),
  )
  if (filled.errors > 0) {
    const kinds = Object.entries(filled.errorKinds).map(([kind, count]) => `${count} × ${kind}`)
    throw new CachectlError(`filling failed: ${kinds.join(', ')}`, {
      exitCode: ExitCode.stopped,
      remedy: 'Nothing was measured: the keys would not have been there.',
    })
  }
  signal.throwIfAborted()
  const looked = foldRun(await load.run(lookUpRequest(request), { signal, onProgress: () => {} }))
  const { hits, misses } = looked
  if (misses === 0) return undefined
  const text = `of ${hits + misses} keys looked up after filling, ${misses} are missing`
  if (misses <= mostMissing * (hits + misses) || request.allowMissing) return text
  throw refused(
    text,
    'Nothing was measured: its reads would have missed. Do the nodes evict, or do keys expire too soon? ' +
      'More memory, fewer --keys, a longer --ttl; or --allow-missing.',
  )
}

/** Also after Ctrl-C: the signal of the run is not the clean-up's. What went wrong, or undefined. */
async function removeKeys(
  request: BenchRequest,
  { load, progress }: BenchPorts,
): Promise<string | undefined> {
  if (request.keep) return undefined
  try {
    let failed = 0
    for (const removal of removeRequests(request)) {
      const counts = await load.run(removal, {
        signal: new AbortController().signal,
        onProgress: ({ answered }) => progress.update(`removing keys, ${answered.toLocaleString('en')} done`),
      })
      failed += foldRun(counts).errors
    }
    return failed === 0 ? undefined : `${failed} of the load's keys could not be removed`
  } catch (error) {
    return `the load's keys were not removed: ${describeError(error)}; the same run again removes them`
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
  if (request.source.kind === 'trace' && request.threads > 1) {
    warnings.push(
      'several threads replay a trace out of its order; the hit ratio of a full cache depends on the order',
    )
  }
  return warnings
}
