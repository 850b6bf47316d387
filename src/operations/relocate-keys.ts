/** Brings every key of the given nodes to the node that owns it: scan, route, move, until a whole pass finds nothing. */
import type { Clock } from '../clock.js'
import { stopped } from '../errors.js'
import type { Pace } from '../plan/pace.js'
import type { Ring } from '../ring/ring.js'
import type { KeysPort, MoveOutcome, ProgressPort } from './ports.js'

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
  /** Default 100. */
  readonly batchKeys?: number
  /** For the ETA; an estimate. */
  readonly expectedKeyCount: number
  /** Absent: as fast as it goes. */
  readonly pace?: Pace
  readonly onProgress?: (moved: { movedCount: number; movedBytes: number }) => void
}

export interface RelocationResult {
  readonly movedCount: number
  readonly movedBytes: number
  readonly conflicts: readonly Conflict[]
  /** Until the last key had moved. */
  readonly seconds: number
  /** The rest: the pass that found nothing more. */
  readonly verifySeconds: number
}

/** A key that holds one thing where it is and another where it belongs. Neither copy was touched. */
export interface Conflict {
  readonly key: Buffer
  readonly node: string
  readonly owner: string
}

const defaultBatchKeys = 100
/** SCAN's COUNT for each key of a batch: small batches are asked for where a server is to be spared. */
const pagePerBatch = 10
const maxPasses = 10
/** So that a broken fleet can't fill the memory; the count goes on. */
const maxListedConflicts = 10_000
/** Big keys wait for the small ones, but not in any number. */
const maxWaitingBig = 1_000
const wantedEveryMs = 50
const reportEveryMs = 100

interface Move {
  readonly source: string
  readonly target: string
}

interface Totals {
  movedCount: number
  movedBytes: number
  readonly conflicts: Map<string, Conflict>
  readonly startedMs: number
  lastMovedMs: number
  reportedMs: number
}

/** One look at all keys of the nodes. */
interface Pass {
  /** Keys that lay where they do not belong. */
  foundCount: number
  /** Those of them that are to be decided by a person. */
  conflictCount: number
  readonly big: (Move & { readonly key: Buffer })[]
}

/**
 * Ends with a pass that found nothing but conflicts. On abort the batches under way are finished first; what has moved
 * stays moved, and a second run goes on from there.
 */
export async function relocateKeys(relocation: Relocation): Promise<RelocationResult> {
  const { clock } = relocation
  const startedMs = clock.nowMs()
  const totals: Totals = {
    movedCount: 0,
    movedBytes: 0,
    conflicts: new Map(),
    startedMs,
    lastMovedMs: startedMs,
    reportedMs: 0,
  }
  try {
    for (let pass = 1; ; pass++) {
      if (await withWantedServed(relocation, totals, () => runPass(relocation, totals))) break
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
  const { movedCount, movedBytes, lastMovedMs } = totals
  return {
    movedCount,
    movedBytes,
    conflicts: [...totals.conflicts.values()],
    seconds: (lastMovedMs - startedMs) / 1000,
    verifySeconds: (clock.nowMs() - lastMovedMs) / 1000,
  }
}

/** Whether there is nothing left to do. */
async function runPass(relocation: Relocation, totals: Totals): Promise<boolean> {
  const { clock, signal } = relocation
  const before = totals.movedCount
  const pass: Pass = { foundCount: 0, conflictCount: 0, big: [] }
  // all nodes settle before one failure is reported: no batch is left running behind our back
  const results = await Promise.allSettled(
    relocation.nodes.map((node) => relocateNode(relocation, node, { totals, pass })),
  )
  for (const result of results) if (result.status === 'rejected') throw result.reason
  signal.throwIfAborted()
  await moveWaitingBig(relocation, { totals, pass })
  if (pass.foundCount === pass.conflictCount) return true
  // somebody is busy with all that is left
  if (totals.movedCount === before) await clock.sleep(wantedEveryMs, signal)
  return false
}

async function relocateNode(
  relocation: Relocation,
  node: string,
  run: { readonly totals: Totals; readonly pass: Pass },
): Promise<void> {
  const { ring, keys, signal, batchKeys = defaultBatchKeys } = relocation
  const waiting = new Map<string, Buffer[]>()
  const running = new Set<Promise<void>>()
  let failure: unknown
  const move = async (target: string, batch: Buffer[]) => {
    while (running.size >= relocation.concurrency) await Promise.race(running)
    if (failure !== undefined || signal.aborted) return
    const moving: Promise<void> = moveBatch(relocation, { source: node, target, keys: batch }, run)
      .catch((error: unknown) => {
        failure ??= error
      })
      .finally(() => running.delete(moving))
    running.add(moving)
  }
  try {
    for await (const batch of keys.scan(node, batchKeys * pagePerBatch)) {
      if (failure !== undefined || signal.aborted) break
      for (const key of batch) {
        const owner = ring.topology.nodes[ring.ownerIndex(key)]!.id
        if (owner === node) continue
        run.pass.foundCount += 1
        const queue = waiting.get(owner) ?? []
        waiting.set(owner, queue)
        queue.push(key)
        if (queue.length === batchKeys) {
          waiting.delete(owner)
          await move(owner, queue)
        }
      }
      if (run.pass.big.length >= maxWaitingBig) await moveWaitingBig(relocation, run)
    }
    for (const [owner, queue] of waiting) await move(owner, queue)
  } finally {
    await Promise.all(running)
  }
  if (failure !== undefined) throw failure
}

async function moveBatch(
  relocation: Relocation,
  batch: Move & { readonly keys: Buffer[] },
  { totals, pass }: { readonly totals: Totals; readonly pass: Pass },
): Promise<void> {
  const { pace, clock } = relocation
  const waitMs = pace?.reserve(batch.keys.length, clock.nowMs()) ?? 0
  if (waitMs > 0) await clock.sleep(waitMs, relocation.signal)
  const outcome = await relocation.keys.move(batch)
  pass.conflictCount += outcome.conflicts.length
  for (const key of outcome.big) pass.big.push({ source: batch.source, target: batch.target, key })
  account(relocation, { totals, move: batch, outcome })
}

/** Big keys go last and one by one, so that a node has one of them to bear at a time. */
async function moveWaitingBig(
  relocation: Relocation,
  { totals, pass }: { readonly totals: Totals; readonly pass: Pass },
): Promise<void> {
  for (let next = pass.big.shift(); next; next = pass.big.shift()) {
    relocation.signal.throwIfAborted()
    const outcome = await relocation.keys.moveBig(next)
    pass.conflictCount += outcome.conflicts.length
    account(relocation, { totals, move: next, outcome })
  }
}

/** While `body` runs, a big key that a client waits to write goes before all others. */
async function withWantedServed<T>(
  relocation: Relocation,
  totals: Totals,
  body: () => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  const signal = AbortSignal.any([ended.signal, relocation.signal])
  const serving = serveWanted(relocation, totals, signal)
  // its failure ends the body's work at the next step: the same node will not answer there either
  serving.catch(() => undefined)
  try {
    return await body()
  } finally {
    ended.abort()
    await serving.catch(() => undefined)
  }
}

async function serveWanted(relocation: Relocation, totals: Totals, signal: AbortSignal): Promise<void> {
  const { nodes, ring, keys, clock } = relocation
  while (!signal.aborted) {
    for (const source of nodes) {
      for (const key of await keys.wanted(source)) {
        const target = ring.topology.nodes[ring.ownerIndex(key)]!.id
        if (target === source) continue
        account(relocation, {
          totals,
          move: { source, target },
          outcome: await keys.moveBig({ source, target, key }),
        })
      }
    }
    await clock.sleep(wantedEveryMs, signal).catch(() => undefined)
  }
}

function account(
  relocation: Relocation,
  { totals, move, outcome }: { totals: Totals; move: Move; outcome: MoveOutcome },
): void {
  relocation.pace?.spend(outcome.movedBytes, relocation.clock.nowMs())
  totals.movedCount += outcome.movedCount
  totals.movedBytes += outcome.movedBytes
  if (outcome.movedCount > 0) totals.lastMovedMs = relocation.clock.nowMs()
  for (const key of outcome.conflicts) {
    if (totals.conflicts.size >= maxListedConflicts) break
    totals.conflicts.set(`${move.source}\n${key.toString('latin1')}`, {
      key,
      node: move.source,
      owner: move.target,
    })
  }
  report(relocation, totals)
}

function report({ clock, progress, expectedKeyCount, onProgress }: Relocation, totals: Totals): void {
  onProgress?.(totals)
  // a line for people costs more than the accounting of a batch
  if (clock.nowMs() - totals.reportedMs < reportEveryMs) return
  totals.reportedMs = clock.nowMs()
  const seconds = Math.max(0.001, (clock.nowMs() - totals.startedMs) / 1000)
  const keysPerSec = totals.movedCount / seconds
  const left = expectedKeyCount - totals.movedCount
  const eta = left > 0 && keysPerSec > 0 ? `, about ${Math.ceil(left / keysPerSec)} s left` : ''
  const count = totals.movedCount.toLocaleString('en')
  progress.update(`moved ${count} keys, ${Math.round(keysPerSec).toLocaleString('en')} keys/s${eta}`)
}
