/**
 * Carries a ring from one topology to the next: preflight, move, verify, save. Clients must not write moving keys
 * meanwhile. Every step is idempotent and the topology is saved last, so a run that was killed is finished by the same
 * command again.
 */
import type { Clock } from '../clock.js'
import { stopped } from '../errors.js'
import { planChange } from '../plan/plan-change.js'
import { printable } from '../printable.js'
import { buildRing } from '../ring/build-ring.js'
import type { NodeSpec, Topology } from '../ring/topology.js'
import type { KeysPort, NodeFactsPort, ProgressPort } from './ports.js'
import { preflight } from './preflight.js'
import { describePlan, type Preview } from './preview-change.js'
import { type Conflict, relocateKeys } from './relocate-keys.js'

export interface ChangeRequest {
  readonly before: Topology
  readonly after: Topology
  readonly concurrency: number
  readonly allowEviction: boolean
}

export interface ChangePorts {
  readonly facts: NodeFactsPort
  readonly keys: KeysPort
  readonly clock: Clock
  readonly progress: ProgressPort
  readonly signal: AbortSignal
  /** Shows the plan and asks; a refusal is thrown. Called once, before anything is written. */
  confirm(preview: Preview): Promise<void>
  /** Writes the new topology. */
  save(after: Topology): Promise<void>
}

export interface ChangeResult {
  readonly schema: 'cachectl/change/v1'
  readonly plan: Preview
  readonly movedKeyCount: number
  readonly movedBytes: number
  readonly seconds: number
  readonly keysPerSec: number
}

export async function applyChange(request: ChangeRequest, ports: ChangePorts): Promise<ChangeResult> {
  const { before, after } = request
  const plan = planChange(before, after)
  const nodes = allNodes(before, after)
  const facts = await preflight({ plan, nodes, allowEviction: request.allowEviction }, ports.facts)
  const preview = describePlan(plan, facts.slice(0, before.nodes.length))
  await ports.confirm(preview)
  const result = await relocateKeys({
    nodes: nodes.map((node) => node.id),
    ring: buildRing(after),
    keys: ports.keys,
    clock: ports.clock,
    progress: ports.progress,
    signal: ports.signal,
    concurrency: request.concurrency,
    expectedKeyCount: preview.expectedKeys ?? 0,
  })
  if (result.conflicts.length > 0) throw conflictsLeft(result.conflicts)
  await ports.save(after)
  return {
    schema: 'cachectl/change/v1',
    plan: preview,
    movedKeyCount: result.movedCount,
    movedBytes: result.movedBytes,
    seconds: result.seconds,
    keysPerSec: result.seconds > 0 ? result.movedCount / result.seconds : 0,
  }
}

/** The nodes before, in their order, then those that join. */
function allNodes(before: Topology, after: Topology): NodeSpec[] {
  const known = new Set(before.nodes.map((node) => node.id))
  return [...before.nodes, ...after.nodes.filter((node) => !known.has(node.id))]
}

function conflictsLeft(conflicts: readonly Conflict[]): Error {
  const shown = conflicts
    .slice(0, 5)
    .map(({ key, node, owner }) => `  ${printable(key, 60)}: ${node} and ${owner} differ`)
  const more = conflicts.length > shown.length ? [`  … and ${conflicts.length - shown.length} more`] : []
  return stopped(
    [
      `${conflicts.length} keys hold one value where they are and another where they belong; neither was touched:`,
      ...shown,
      ...more,
    ].join('\n'),
    'Delete the copy that is wrong, then run the same command again. All other keys have moved; the topology file is unchanged.',
  )
}
