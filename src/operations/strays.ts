/** Keys on nodes that do not own them, before a change and after it. */
import { refused } from '../errors.js'
import { Pace } from '../plan/pace.js'
import { buildRing } from '../ring/build-ring.js'
import { firstState, nodesOf, prepareState } from '../ring/epoch.js'
import type { Topology } from '../ring/topology.js'
import { conflictsLeft } from './conflicts.js'
import type { DrainLimits, DrainPorts } from './drain-sources.js'
import type { KeysPort } from './ports.js'
import { relocateKeys } from './relocate-keys.js'

export interface StraysRequest extends DrainLimits {
  readonly before: Topology
  readonly after: Topology
  readonly lost: readonly string[]
  /** Remove strays instead of refusing. */
  readonly dropStrays: boolean
}

export interface StraysPorts {
  readonly ports: DrainPorts
  readonly keys: KeysPort
}

/** A stray at a target would be taken for the newer copy of its key: it must be gone before anybody looks there. */
export async function clearStrays(
  { before, after, dropStrays }: Pick<StraysRequest, 'before' | 'after' | 'dropStrays'>,
  { ports, keys }: StraysPorts,
): Promise<void> {
  const ring = buildRing(before)
  let count = 0
  await Promise.all(
    after.nodes.map(async ({ id }) => {
      for await (const batch of keys.scan(id)) {
        ports.signal.throwIfAborted()
        const strays = batch.filter((key) => before.nodes[ring.ownerIndex(key)]!.id !== id)
        count += strays.length
        if (dropStrays && strays.length > 0) await keys.unlink(id, strays)
      }
    }),
  )
  if (count === 0 || dropStrays) return
  throw refused(
    `${count} keys lie on nodes that do not own them`,
    '`cachectl ring check` lists them, `ring check --repair` carries them home, --drop-strays removes them. Nothing was changed.',
  )
}

/** What clients that do not follow have written at old nodes since: carried home, or listed where the owner has more. */
export async function sweepAstray(
  { before, after, lost, concurrency, limits }: StraysRequest,
  { keys, ports }: StraysPorts,
): Promise<void> {
  const { conflicts } = await relocateKeys({
    nodes: nodesOf(prepareState(firstState(before), after, { lost })).map(({ id }) => id),
    ring: buildRing(after),
    keys,
    clock: ports.clock,
    progress: ports.progress,
    signal: ports.signal,
    concurrency,
    expectedKeyCount: 0,
    pace: new Pace(limits),
  })
  if (conflicts.length > 0) {
    throw conflictsLeft(
      conflicts,
      'The change is done. Delete the copy that is wrong, then `cachectl ring check --repair`.',
    )
  }
}
