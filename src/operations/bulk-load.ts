/** The loads around a measured one: writing every key, looking some up, removing all of them. */
import type { MixSpec } from '../workload/request-source.js'
import { createSizeQuantile } from '../workload/size-distribution.js'
import type { OperationSpec, PhaseSpec } from '../workload/workload.js'
import type { LoadKeysSpec, LoadRequest } from './ports.js'

const bulkPipeline = 64
const lookedUpKeys = 1_000
const mostLookedUpBytes = 256 * 2 ** 20
const untilTheEnd: PhaseSpec = { name: 'all', durationMs: 0, rate: { kind: 'max' }, hotShift: 0 }

function plain(request: LoadRequest): LoadRequest {
  const { sourceOfTruth: _, ...rest } = request
  return {
    ...rest,
    connections: Math.min(request.connections, 8 * request.topology.nodes.length),
    pipeline: bulkPipeline,
    threads: 1,
    warmup: { kind: 'time', ms: 0 },
    phases: [untilTheEnd],
    requestLimit: 0,
    watchNodes: false,
  }
}

/** Every key of strings, once. Through the cache library they are read, from a source that takes no time. */
export function bulkRequest(request: LoadRequest, values: MixSpec): LoadRequest {
  return {
    ...plain(request),
    operations: [{ name: 'fill', kind: request.strategy ? 'read' : 'write', weight: 1, keyspace: '' }],
    source: { kind: 'every-key', op: 0, from: values },
  }
}

/** A read of keys as they will be measured, whatever would be done to them; of fewer where `values` are big. */
export function lookUpRequest(request: LoadRequest, { values }: MixSpec): LoadRequest {
  // the mean may be infinite
  const bytes = createSizeQuantile(values)(0.9)
  return {
    ...plain(request),
    verify: false,
    operations: request.operations.map((operation) =>
      operation.keyspace === '' && operation.name !== 'fill'
        ? { ...operation, kind: 'read', keyspace: '' }
        : { ...operation, weight: 0 },
    ),
    requestLimit: Math.max(1, Math.min(lookedUpKeys, Math.floor(mostLookedUpBytes / Math.max(1, bytes)))),
  }
}

/** For each keyspace that the run writes to. */
export function removeRequests(request: LoadRequest): LoadRequest[] {
  const { strategy: _, ...straight } = request
  const spaces = new Set(request.operations.map(({ keyspace }) => keyspace))
  return [...spaces].map((keyspace): LoadRequest => {
    const removal: OperationSpec = { name: 'del', kind: 'remove', weight: 1, keyspace }
    return {
      ...plain(straight),
      verify: false,
      keys: all(request.keys),
      operations: [removal],
      source: { kind: 'every-key', op: 0 },
    }
  })
}

function all(keys: LoadKeysSpec): LoadKeysSpec {
  return keys.kind === 'numbered' ? { ...keys, count: keys.capacity } : keys
}
