/** The keys of a change leave their sources: what *migrate* of docs/protocol.md does, at a bearable pace. */
import { batchKeysAt, type ImpactLimit, Pace, type PaceLimits } from '../plan/pace.js'
import { planChange } from '../plan/plan-change.js'
import { buildRing } from '../ring/build-ring.js'
import { nodesOf, type RingState } from '../ring/epoch.js'
import type { BarrierPorts } from './barrier.js'
import { conflictsLeft } from './conflicts.js'
import { withImpactGuard } from './guard-impact.js'
import type { JournalPort, KeysPort } from './ports.js'
import type { Preview } from './preview-change.js'
import { type RelocationResult, relocateKeys } from './relocate-keys.js'
import { withProgressTold } from './tell-progress.js'

export interface DrainLimits {
  /** Batches under way at once for each source. */
  readonly concurrency: number
  readonly limits: PaceLimits & { readonly impact?: ImpactLimit }
}

export interface DrainPorts extends BarrierPorts {
  readonly journal: JournalPort
}

/** What an operator finds to move when all is done already. */
export const nothingMoved: RelocationResult = {
  movedCount: 0,
  movedBytes: 0,
  conflicts: [],
  seconds: 0,
  verifySeconds: 0,
}

/** Passes over the sources, until one finds nothing. Conflicts are `stopped`: the operator has to decide. */
export async function drain(
  { concurrency, limits }: DrainLimits,
  state: RingState,
  run: { keys: KeysPort; ports: DrainPorts; preview: Preview; isResumed: boolean },
): Promise<RelocationResult> {
  const { keys, ports, preview } = run
  await ports.journal.record('drain', { epoch: state.epoch })
  if (run.isResumed) await Promise.all(state.after.nodes.map(({ id }) => keys.sweep(id)))
  const pace = new Pace(limits)
  const expectedKeyCount = preview.expectedKeys ?? 0
  const relocate = () =>
    withProgressTold({ epoch: state.epoch, expectedKeyCount }, ports, (onProgress) =>
      relocateKeys({
        nodes: sourcesOf(state),
        ring: buildRing(state.after),
        keys,
        clock: ports.clock,
        progress: ports.progress,
        signal: ports.signal,
        concurrency: limits.impact ? 1 : concurrency,
        batchKeys: batchKeysAt(limits),
        expectedKeyCount,
        pace,
        onProgress,
      }),
    )
  const guard = limits.impact && { limit: limits.impact, pace, nodes: nodesOf(state).map(({ id }) => id) }
  const probing = { ...ports, probe: (node: string) => ports.fleet.probe(node) }
  const result = guard ? await withImpactGuard(guard, probing, relocate) : await relocate()
  if (result.conflicts.length > 0) throw conflictsLeft(result.conflicts)
  return result
}

/** Nodes that keep all their keys are not scanned, where the plan can tell. */
function sourcesOf({ before, after, lost = [] }: RingState): string[] {
  const plan = planChange(before, after)
  const losing = new Set(plan.moves.map(({ source }) => source))
  return before.nodes
    .map(({ id }) => id)
    .filter((id) => !lost.includes(id) && (!plan.exact || losing.has(id)))
}
