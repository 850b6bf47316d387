/**
 * A live change of the ring, phase by phase (docs/protocol.md §4). Every step may be repeated, and what is left to do
 * follows from the control store and the nodes: so a change that was killed anywhere is finished by any operator.
 */
import type { ControlStore, Lease, StoredState } from '../cache/ports.js'
import { CachectlError, refused, withRemedy } from '../errors.js'
import { planChange } from '../plan/plan-change.js'
import {
  abortedState,
  committedState,
  firstState,
  migrateState,
  nodesOf,
  prepareState,
  type RingState,
  sameRing,
} from '../ring/epoch.js'
import type { NodeSpec, Topology } from '../ring/topology.js'
import { awaitJournals } from './await-journals.js'
import { passBarrier } from './barrier.js'
import { type ClientMode, refuseOthers, requireEpoch, requireRights, requireSame } from './before-change.js'
import { type DrainLimits, type DrainPorts, drain, nothingMoved } from './drain-sources.js'
import { clearPause } from './notices.js'
import type { KeysPort, NodeFacts, NodeFactsPort } from './ports.js'
import { preflight } from './preflight.js'
import { describePlan, type Preview, unawaitedReplicas } from './preview-change.js'
import { publish } from './publish.js'
import { clearStrays, sweepAstray } from './strays.js'
import { underLease } from './under-lease.js'

export interface ChangeRequest extends DrainLimits {
  readonly before: Topology
  readonly after: Topology
  readonly allowEviction: boolean
  readonly clients: ClientMode
  /** Remove keys that lie on a node that does not own them, where they would be taken for newer copies. */
  readonly dropStrays: boolean
  /** Ids of nodes that leave because they are gone, with all they held. */
  readonly lost: readonly string[]
  /** So many replicas of a target must have a key before it leaves its source. */
  readonly waitReplicas: number
  /** Who changes the ring, for others: `pid 812 on host a`. */
  readonly holder: string
}

export interface ChangePorts extends DrainPorts {
  readonly facts: NodeFactsPort
  readonly control: ControlStore
  /** Keys as moved under the lease of that token, with so many replicas to be waited for. */
  keysUnder(held: { token: number; replicas: number }): KeysPort
  /** Shows the plan and asks; a refusal is thrown. Called once, before anything is written. */
  confirm(preview: Preview): Promise<void>
  /** Writes the new topology. */
  save(after: Topology): Promise<void>
}

export interface ChangeResult {
  readonly schema: 'cachectl/change/v1'
  readonly plan: Preview
  readonly epoch: number
  readonly movedKeyCount: number
  readonly movedBytes: number
  /** Until the last key had moved. */
  readonly seconds: number
  /** The last look at all keys of the sources, which found none to move. */
  readonly verifySeconds: number
  readonly keysPerSec: number
  /** Clients that did not follow in time and were cut off; they read the state anew. */
  readonly fencedClients: readonly string[]
  /** Keys that nodes evicted for lack of memory while keys moved; absent where there were none. */
  readonly evictedKeys?: Readonly<Record<string, number>>
}

/** A fresh change, or the rest of one that was cut short. */
export async function changeRing(request: ChangeRequest, ports: ChangePorts): Promise<ChangeResult> {
  const { before, after } = request
  const found = await ports.control.load()
  const isResumed = found !== undefined && found.state.phase !== 'stable'
  requireSame(request, found?.state)
  const plan = planChange(before, after)
  const nodes = nodesOf(prepareState(firstState(before), after, request))
  const facts = await preflight({ ...request, plan, nodes }, ports.facts)
  await requireRights(ports.fleet)
  await requireEpoch(ports)
  if (!isResumed) await refuseOthers(request.clients, ports)
  const factsOf = new Map(nodes.map(({ id }, index) => [id, facts[index]!]))
  const gone = { reachable: false, problem: '' } as const
  const preview = describePlan(
    plan,
    before.nodes.map(({ id }) => factsOf.get(id) ?? gone),
    request.lost,
  )
  await ports.confirm({
    ...preview,
    ...(isResumed ? { resumed: true } : {}),
    ...unawaitedReplicas(request.waitReplicas, nodes, facts),
  })

  let reached = found?.state
  const changing = underLease(request.holder, ports, async (lease, leased): Promise<ChangeResult> => {
    await leased.journal.record(isResumed ? 'resume' : 'begin', {
      token: lease.token,
      holder: request.holder,
      after: after.nodes.map(({ id }) => id).join(' '),
      expectedKeys: preview.expectedKeys ?? 0,
    })
    await clearPause(leased.control)
    let stored = await currentState(request, leased.control)
    requireSame(request, stored.state)
    const fencedClients: string[] = []
    if (stored.state.phase === 'stable') stored = await prepare(request, stored, { lease, ports: leased })
    reached = stored.state
    if (stored.state.phase === 'prepare') {
      fencedClients.push(...(await passBarrier(stored.state.epoch, leased)))
      stored = await flip(stored, { lease, ports: leased })
    }
    const relocation =
      stored.state.phase === 'migrate'
        ? await drain(request, stored.state, {
            keys: ports.keysUnder(heldFor(lease, stored.state)),
            ports: leased,
            preview,
            isResumed,
          })
        : nothingMoved
    if (stored.state.phase === 'migrate') {
      await awaitJournals(stored.state, leased)
      stored = await publish(stored, committedState(stored.state), 'commit', leased)
    }
    reached = stored.state
    await ports.save(after)
    fencedClients.push(...(await passBarrier(stored.state.epoch, leased)))
    await forgetAllBut(after, nodes, { lease, ports: leased })
    if (request.clients === 'legacy')
      await sweepAstray(request, { keys: ports.keysUnder(heldFor(lease, stored.state)), ports: leased })
    await leased.journal.record('end', { epoch: stored.state.epoch, moved: relocation.movedCount })
    return {
      schema: 'cachectl/change/v1',
      plan: preview,
      epoch: stored.state.epoch,
      movedKeyCount: relocation.movedCount,
      movedBytes: relocation.movedBytes,
      seconds: relocation.seconds,
      verifySeconds: relocation.verifySeconds,
      keysPerSec: relocation.seconds > 0 ? relocation.movedCount / relocation.seconds : 0,
      fencedClients,
      ...evictedSince(facts, await ports.facts.factsOf(nodes), nodes),
    }
  })
  return changing.catch((error: unknown) => {
    throw wayOn(error, reached)
  })
}

/** Whoever is stopped in the middle is told how it goes on. */
function wayOn(error: unknown, reached: RingState | undefined): unknown {
  const isMidway = reached !== undefined && reached.phase !== 'stable'
  if (!(error instanceof CachectlError) || !isMidway || error.remedy?.includes('ring resume')) return error
  return withRemedy(error, 'The ring serves on; `cachectl ring resume` finishes the change.')
}

function evictedSince(
  before: readonly NodeFacts[],
  after: readonly NodeFacts[],
  nodes: readonly NodeSpec[],
): Pick<ChangeResult, 'evictedKeys'> {
  const evicted = nodes.flatMap(({ id }, index): [string, number][] => {
    const [first, last] = [before[index], after[index]]
    if (!first?.reachable || !last?.reachable || last.evictedKeys <= first.evictedKeys) return []
    return [[id, last.evictedKeys - first.evictedKeys]]
  })
  return evicted.length > 0 ? { evictedKeys: Object.fromEntries(evicted) } : {}
}

/** All that an operator acts through, but for a person's answer and the file. */
export type OperatorPorts = Omit<ChangePorts, 'confirm' | 'save'>

/** Takes an unfinished change back; possible until keys move. The topology stays as it was. */
export async function abortChange(holder: string, ports: OperatorPorts): Promise<RingState> {
  return underLease(holder, ports, async (lease, leased) => {
    const stored = await ports.control.load()
    if (!stored || stored.state.phase === 'stable')
      throw refused('no change of the ring is under way', 'Nothing was changed.')
    if (stored.state.phase === 'migrate') {
      throw refused(
        'keys have begun to move: this change can only go forward',
        'Run `cachectl ring resume`, and then the change back.',
      )
    }
    await leased.journal.record('abort', { token: lease.token, holder })
    await clearPause(leased.control)
    const { state } = await publish(stored, abortedState(stored.state), 'aborted', leased)
    await passBarrier(state.epoch, leased)
    await forgetAllBut(state.before, stored.state.after.nodes, { lease, ports: leased })
    await leased.journal.record('end', { epoch: state.epoch, moved: 0 })
    return state
  })
}

/** The state the change starts from; a ring that has none yet gets its first. */
async function currentState({ before, after }: ChangeRequest, control: ControlStore): Promise<StoredState> {
  const stored = (await control.load()) ?? (await control.compareAndSwap(undefined, firstState(before)))
  if (stored) return stored
  throw refused('another operator began at the same moment', `Run the same command again. ${after.name}`)
}

async function prepare(
  request: ChangeRequest,
  stored: StoredState,
  run: { lease: Lease; ports: OperatorPorts },
): Promise<StoredState> {
  const { ports, lease } = run
  // the change before this one may have been cut off in its last barrier
  await passBarrier(stored.state.epoch, ports)
  if (sameRing(stored.state.before, request.after)) return stored
  await clearStrays(request, { ports, keys: ports.keysUnder(heldFor(lease, stored.state)) })
  const next = prepareState(stored.state, request.after, request)
  await ports.journal.record('arm', { epoch: next.epoch })
  await raiseGates(next, run)
  return publish(stored, next, 'prepare', ports)
}

/** Nodes that are not in the ring keep nothing of ours. */
function forgetAllBut(
  ring: Topology,
  nodes: readonly NodeSpec[],
  { lease, ports }: { lease: Lease; ports: OperatorPorts },
): Promise<void> {
  const stay = new Set(ring.nodes.map(({ id }) => id))
  const left = nodes.map(({ id }) => id).filter((id) => !stay.has(id))
  return ports.fleet.forget(left, lease.token)
}

function heldFor({ token }: Lease, { waitReplicas = 0 }: RingState): { token: number; replicas: number } {
  return { token, replicas: waitReplicas }
}

/** An operator who was frozen, and whose lease has passed on, gets no further than this. */
async function raiseGates(
  next: RingState,
  { lease, ports }: { lease: Lease; ports: OperatorPorts },
): Promise<void> {
  const { before, lost = [], epoch, waitReplicas = 0 } = next
  const sources = before.nodes.map(({ id }) => id).filter((id) => !lost.includes(id))
  await ports.fleet.raiseGates(sources, { epoch, replicas: waitReplicas, token: lease.token })
}

async function flip(
  stored: StoredState,
  { lease, ports }: { lease: Lease; ports: OperatorPorts },
): Promise<StoredState> {
  const next = migrateState(stored.state)
  await ports.journal.record('flip', { epoch: next.epoch })
  await raiseGates(next, { lease, ports })
  return publish(stored, next, 'migrate', ports)
}
