/**
 * Entries that wait at a node which does not own their key any more, because the ring has changed since they were put.
 * A newer value of the key may wait at its owner: the older one is written first.
 *
 * Invariant: under one placement no entry is put anywhere but at its key's owner (docs/protocol.md), so that what was
 * once found to be without stranded entries stays so; the nodes remember it for processes that start later.
 */
import { isUnreachable } from '../errors.js'
import type { JournalPort, PendingEntry } from './journal-port.js'

export class Stranded {
  private settledPlacement: string | undefined
  private looking: Promise<void> | undefined

  constructor(private readonly journal: JournalPort) {}

  /** Whether none can be left, as far as we know. */
  get isSettled(): boolean {
    return this.settledPlacement === this.journal.placement()
  }

  /** Looks for them, and has those that it finds written at once. A node that does not answer leaves it open. */
  async look(): Promise<void> {
    if (this.isSettled) return
    this.looking ??= this.lookNow().finally(() => {
      this.looking = undefined
    })
    await this.looking
  }

  /** Those of a node's entries that must wait: an older value of their key waits elsewhere, or nobody knows. */
  async mustWait(node: string, entries: readonly PendingEntry[]): Promise<ReadonlySet<PendingEntry>> {
    const waiting = new Set<PendingEntry>()
    if (this.isSettled || entries.length === 0) return waiting
    const keys = entries.map(({ key }) => key)
    await Promise.all(
      this.journal
        .nodes()
        .filter((other) => other !== node)
        .map(async (other) => {
          const seqs = await this.journal.seqsAt(other, keys).catch((error: unknown) => {
            if (isUnreachable(error)) return undefined
            throw error
          })
          entries.forEach((entry, index) => {
            const seq = seqs?.[index]
            if (!seqs || (seq !== undefined && seq < entry.seq)) waiting.add(entry)
          })
        }),
    )
    return waiting
  }

  private async lookNow(): Promise<void> {
    const { journal } = this
    const placement = journal.placement()
    const nodes = journal.nodes()
    try {
      const isKnown = await Promise.all(
        nodes.map((node) => journal.isSettledUnder(node, placement).catch(ifUnreachable(false))),
      )
      if (isKnown.includes(true)) {
        this.settledPlacement = placement
        return
      }
      const counts = await Promise.all(nodes.map((node) => this.hastenStranded(node)))
      if (counts.some((count) => count > 0) || journal.placement() !== placement) return
      await Promise.all(nodes.map((node) => journal.declareSettled(node, placement)))
      this.settledPlacement = placement
    } catch (error) {
      if (!isUnreachable(error)) throw error
    }
  }

  private async hastenStranded(node: string): Promise<number> {
    let count = 0
    for await (const keys of this.journal.pendingKeys(node)) {
      const stranded = keys.filter((key) => this.journal.ownerOf(key) !== node)
      count += stranded.length
      if (stranded.length > 0) await this.journal.hasten(node, stranded)
    }
    return count
  }
}

function ifUnreachable<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (isUnreachable(error)) return instead
    throw error
  }
}
