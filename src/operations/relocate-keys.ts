/** Brings every key of the given nodes to the node that owns it: scan, route, move, until a whole pass finds nothing. */
import type { Clock } from '../clock.js'
import { stopped } from '../errors.js'
import type { Pace } from '../plan/pace.js'
import type { Ring } from '../ring/ring.js'
import type { KeysPort, ProgressPort } from './ports.js'

export interface Relocation {
  /** Nodes that are scanned, by id; a leaving node is among them. */
  readonly nodes: readonly string[]
  /** The owners. */
  readonly ring: Ring
  readonly keys: KeysPort
  readonly clock: Clock
  readonly progress: ProgressPort
  readonly signal: AbortSignal
  /** Batches under way at once for each scanned node. */
  readonly concurrency: number
  /** For the ETA; an estimate. */
  readonly expectedKeyCount: number
  /** Absent: as fast as it goes. */
  readonly pace?: Pace
}

export interface RelocationResult {
  readonly movedCount: number
  readonly movedBytes: number
  readonly conflicts: readonly Conflict[]
  readonly seconds: number
}

/** A key that holds one thing where it is and another where it belongs. Neither copy was touched. */
export interface Conflict {
  readonly key: Buffer
  readonly node: string
  readonly owner: string
}

const batchKeys = 100
const maxPasses = 10
/** So that a broken fleet can't fill the memory; the count goes on. */
const maxListedConflicts = 10_000

/** On abort the batches under way are finished first; what has moved stays moved, and a second run goes on from there. */
export async function relocateKeys(relocation: Relocation): Promise<RelocationResult> {
  const { clock } = relocation
  const startedMs = clock.nowMs()
  const total = { movedCount: 0, movedBytes: 0, conflicts: new Map<string, Conflict>(), startedMs }
  try {
    for (let pass = 1; ; pass++) {
      const before = total.movedCount
      // all passes settle before one failure is reported: no batch is left running behind our back
      const results = await Promise.allSettled(
        relocation.nodes.map((node) => relocateNode(relocation, node, total)),
      )
      for (const result of results) if (result.status === 'rejected') throw result.reason
      relocation.signal.throwIfAborted()
      if (total.movedCount === before) break
      if (pass === maxPasses) {
        throw stopped(
          `after ${maxPasses} passes there are still keys to move: somebody keeps writing keys to nodes that do not own them`,
          'Point the clients at the new ring, then run `cachectl ring check --repair`.',
        )
      }
    }
  } finally {
    relocation.progress.end()
  }
  const { movedCount, movedBytes } = total
  const seconds = (clock.nowMs() - startedMs) / 1000
  return { movedCount, movedBytes, conflicts: [...total.conflicts.values()], seconds }
}

interface Totals {
  movedCount: number
  movedBytes: number
  readonly conflicts: Map<string, Conflict>
  readonly startedMs: number
}

async function relocateNode(relocation: Relocation, node: string, totals: Totals): Promise<void> {
  const { ring, keys, signal } = relocation
  const waiting = new Map<string, Buffer[]>()
  const running = new Set<Promise<void>>()
  let failure: unknown
  const move = async (target: string, batch: Buffer[]) => {
    while (running.size >= relocation.concurrency) await Promise.race(running)
    if (failure !== undefined || signal.aborted) return
    const run: Promise<void> = moveOne(relocation, { source: node, target, keys: batch }, totals)
      .catch((error: unknown) => {
        failure ??= error
      })
      .finally(() => running.delete(run))
    running.add(run)
  }
  try {
    for await (const batch of keys.scan(node)) {
      if (failure !== undefined || signal.aborted) break
      for (const key of batch) {
        const owner = ring.topology.nodes[ring.ownerIndex(key)]!.id
        if (owner === node) continue
        const queue = waiting.get(owner) ?? []
        waiting.set(owner, queue)
        queue.push(key)
        if (queue.length === batchKeys) {
          waiting.delete(owner)
          await move(owner, queue)
        }
      }
    }
    for (const [owner, queue] of waiting) await move(owner, queue)
  } finally {
    await Promise.all(running)
  }
  if (failure !== undefined) throw failure
}

async function moveOne(
  relocation: Relocation,
  batch: { source: string; target: string; keys: Buffer[] },
  totals: Totals,
): Promise<void> {
  const { pace, clock } = relocation
  const waitMs = pace?.reserve(batch.keys.length, clock.nowMs()) ?? 0
  if (waitMs > 0) await clock.sleep(waitMs, relocation.signal)
  const outcome = await relocation.keys.move(batch)
  pace?.spend(outcome.movedBytes, clock.nowMs())
  totals.movedCount += outcome.movedCount
  totals.movedBytes += outcome.movedBytes
  for (const key of outcome.conflicts) {
    if (totals.conflicts.size >= maxListedConflicts) break
    totals.conflicts.set(`${batch.source}\n${key.toString('latin1')}`, {
      key,
      node: batch.source,
      owner: batch.target,
    })
  }
  report(relocation, totals)
}

function report({ clock, progress, expectedKeyCount }: Relocation, totals: Totals): void {
  const seconds = Math.max(0.001, (clock.nowMs() - totals.startedMs) / 1000)
  const keysPerSec = totals.movedCount / seconds
  const left = expectedKeyCount - totals.movedCount
  const eta = left > 0 && keysPerSec > 0 ? `, about ${Math.ceil(left / keysPerSec)} s left` : ''
  const count = totals.movedCount.toLocaleString('en')
  progress.update(`moved ${count} keys, ${Math.round(keysPerSec).toLocaleString('en')} keys/s${eta}`)
}
