/** One thread's or process's part of a load. */
import type { LoadRequest, NodeAccess } from '../../operations/ports.js'
import { createMemory } from './memory.js'
import type { LoadJob } from './protocol.js'
import { warmupPhase } from './warm-up.js'

/** `own`: which of this machine's generators it is. */
export function toLoadJob(
  request: LoadRequest,
  accesses: readonly NodeAccess[],
  own: { readonly index: number; readonly count: number },
): LoadJob {
  const { threads: _threads, watchNodes: _watch, share = { index: 0, count: 1 }, ...rest } = request
  // of all threads of all generators
  const part = { index: share.index * own.count + own.index, count: share.count * own.count }
  const phases = [warmupPhase(request), ...request.phases]
  const portion = (total: number) =>
    Math.floor(total / part.count) + (part.index < total % part.count ? 1 : 0)
  return {
    ...rest,
    accesses,
    phases,
    connections: Math.max(1, portion(request.connections)),
    maxInFlight: Math.max(1, portion(request.maxInFlight)),
    requestLimit: request.requestLimit === 0 ? 0 : Math.max(1, portion(request.requestLimit)),
    part,
    measuresNoise: own.index === 0,
    memory: createMemory({
      phases: phases.length,
      nodes: accesses.length,
      ops: request.operations.length,
      open: request.phases.some(({ rate }) => rate.kind !== 'max'),
    }),
  }
}
