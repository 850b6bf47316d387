/** What stands around a measured load: a look at the nodes, keys that are written and proved, keys that are removed again. */
import { CachectlError, describeError, ExitCode, refused } from '../errors.js'
import { foldRun } from '../measure/bench-measures.js'
import { buildRing } from '../ring/build-ring.js'
import type { MixSpec } from '../workload/request-source.js'
import { bulkRequest, lookUpRequest, removeRequests } from './bulk-load.js'
import type { LoadPort, LoadRequest, NodeFactsPort, ProgressPort, ServerFacts } from './ports.js'
import { requireAnswers } from './preflight.js'

export interface LoadKeysRequest extends LoadRequest {
  /** Write every key before measuring, with these sizes and expiry times. */
  readonly fill?: MixSpec
  /** Measure although keys are missing after the fill. */
  readonly allowMissing: boolean
  /** Leave the keys on the nodes. */
  readonly keep: boolean
}

export interface LoadKeysPorts {
  readonly facts: NodeFactsPort
  readonly load: LoadPort
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

export interface Server {
  readonly id: string
  readonly facts: ServerFacts
}

/** Of a node's connections: ours that ask about it, and somebody's redis-cli. */
const spareClients = 10
/** More of the looked-up keys missing than this, and nothing is measured. */
const mostMissing = 0.01

/**
 * Runs the body with the load's keys in place. What it measured is returned even when the clean-up fails: that is a
 * warning then, as is what the fill found.
 */
export async function withLoadKeys<T extends { readonly warnings: readonly string[] }>(
  request: LoadKeysRequest,
  ports: LoadKeysPorts,
  body: (servers: readonly Server[]) => Promise<T>,
): Promise<T> {
  const servers = await lookAtNodes(request, ports.facts)
  try {
    const missing = request.fill ? await fill(request, request.fill, ports) : undefined
    ports.signal.throwIfAborted()
    const outcome = await body(servers)
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

/** Refuses what can only go wrong, before the first byte of load. */
async function lookAtNodes(request: LoadKeysRequest, port: NodeFactsPort): Promise<Server[]> {
  const { nodes } = request.topology
  const facts = await port.factsOf(nodes)
  requireAnswers(facts, 'Every node must answer before the load starts.')
  const servers = nodes.flatMap((node, index): Server[] => {
    const answer = facts[index]
    return answer?.reachable ? [{ id: node.id, facts: answer }] : []
  })
  const sockets = socketsOf(request)
  const problems = servers.flatMap(({ id, facts: { role, maxClients } }, index) => [
    ...(role === 'replica' ? [`node ${id} is a readonly replica; name its primary in the topology`] : []),
    ...(sockets[index]! + spareClients > maxClients
      ? [
          `node ${id} takes ${maxClients} clients; ${sockets[index]} of the ${request.connections} --connections are its`,
        ]
      : []),
  ])
  if (problems.length > 0) throw refused(problems.join('\n'), 'No load was sent.')
  return servers
}

/** Of each node: connections are spread by the nodes' shares of the ring. Through the cache library they are callers instead. */
function socketsOf({ connections, strategy, topology }: LoadKeysRequest): number[] {
  if (strategy) return topology.nodes.map(() => 0)
  return Array.from(buildRing(topology).shares(), (share) => Math.ceil(connections * share))
}

/** Writes every key, then looks some of those up that will be measured; a warning where some are missing. */
async function fill(
  request: LoadKeysRequest,
  values: MixSpec,
  ports: LoadKeysPorts,
): Promise<string | undefined> {
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
  const looked = foldRun(await load.run(lookUpRequest(request, values), { signal, onProgress: () => {} }))
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
  request: LoadKeysRequest,
  { load, progress }: LoadKeysPorts,
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
