/**
 * Write-behind: a value is acknowledged when its node has it and its entry in the journal, in one step; the source of
 * truth gets it later, by this process or another. docs/cache/write-behind.md says what that promises.
 */
import { type CachectlError, isUnreachable, refused, stopped } from '../errors.js'
import { printable } from '../printable.js'
import { callWriter } from './call-writer.js'
import type { CacheCore } from './core.js'
import { Flusher } from './flusher.js'
import type { JournalPort, PendingEntry } from './journal-port.js'
import type { BehindSettings } from './options.js'
import type { Reader } from './reader.js'
import { decodeBody } from './stored-body.js'
import type { SetOptions } from './writer.js'

interface Item<V> {
  readonly key: string
  readonly value: V | null
  readonly seq: bigint
}

const fullMs = { first: 10, longest: 500 }
const lookMs = { first: 5, longest: 100 }

export class WriteBehind<V> {
  private readonly flusher: Flusher<Item<V>>
  private readonly settings: BehindSettings
  private readonly prefixBytes: number
  /** When this process put something at a node last, ms by the node's clock. */
  private readonly putAtMs = new Map<string, number>()
  private isClosed = false

  constructor(
    private readonly core: CacheCore<V>,
    private readonly reader: Reader<V>,
    private readonly journal: JournalPort,
  ) {
    const { settings, clock, random, stats } = core
    this.settings = settings.behind!
    this.prefixBytes = Buffer.byteLength(settings.namespace) + 1
    this.flusher = new Flusher<Item<V>>({
      ...{ journal, settings: this.settings, clock, random, stats },
      decode: (entry) => this.decode(entry),
      write: (items, signal) => this.write(items, signal),
      onSettle: (entries) => {
        for (const { key } of entries) reader.invalidate(this.nameOf(key))
      },
      onError: (error) => core.on.error?.(error),
    })
    this.flusher.start()
  }

  /**
   * Errors: `invalid` for a value that the codec can't write; `refused` when the journal stays full for the whole of `timeout.load`, or the node may evict it: nothing was
   * put; `unreachable` when the node does not answer: it may have been.
   */
  async put(key: string, value: V | null, { ttlMs, tags }: SetOptions): Promise<void> {
    const { core, journal } = this
    const { stats, clock, random, settings } = core
    const whole = core.wholeKey(key)
    const written = core.write(key, value)
    const { versions } = await core.tags.versions(tags)
    const encoded = core.encode({ value, ttlMs, loadMs: 0, tags: versions }, written)
    const lifeMs = value === null && settings.negativeMs === 0 ? 0 : encoded.ttlMs
    const endMs = clock.nowMs() + settings.loadTimeoutMs
    for (let pauseMs = fullMs.first; ; pauseMs = Math.min(fullMs.longest, pauseMs * 2)) {
      if (this.isClosed) throw refused('the cache was closed')
      await journal.requireKeeping(journal.ownerOf(whole))
      this.reader.invalidate(key)
      const outcome = await journal
        .put(whole, {
          ...{ body: encoded.body, ttlMs: lifeMs },
          ...{ delayMs: this.settings.delayMs, maxPending: this.settings.maxPending },
        })
        .finally(() => this.reader.invalidate(key))
      if (outcome.kind === 'put') {
        stats.puts += 1
        this.putAtMs.set(outcome.node, Math.max(this.putAtMs.get(outcome.node) ?? 0, outcome.atMs))
        this.flusher.expect(outcome.node)
        return
      }
      if (clock.nowMs() + pauseMs > endMs) throw this.tooMany(key, outcome.node)
      await clock.sleep(pauseMs * (0.5 + 0.5 * random.next()))
    }
  }

  /** Errors: `stopped` when it takes longer than `timeout.load`. */
  async flush(): Promise<void> {
    const { clock, settings } = this.core
    const endMs = clock.nowMs() + settings.loadTimeoutMs
    await this.flusher.hurried(async () => {
      for (let pauseMs = lookMs.first; ; pauseMs = Math.min(lookMs.longest, pauseMs * 2)) {
        const leftCount = await this.leftCount()
        if (leftCount === 0) return
        if (clock.nowMs() + pauseMs > endMs) throw this.notDrained(leftCount)
        await clock.sleep(pauseMs)
      }
    })
  }

  /** Drains, and ends. Errors: `stopped` when `timeout.load` does not suffice; nothing is lost then. */
  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    try {
      await this.flush()
    } finally {
      await this.flusher.stop()
    }
  }

  /** Entries that wait where something of ours may be among them; 0: all that we put is in the source. */
  private async leftCount(): Promise<number> {
    const nodes = this.journal.nodes()
    let leftCount = 0
    for (const [node, atMs] of [...this.putAtMs]) {
      // it has left the ring, and its journal was empty then
      if (!nodes.includes(node)) this.putAtMs.delete(node)
      else {
        const state = await this.journal.state(node).catch((error: unknown) => {
          if (isUnreachable(error)) return undefined
          throw error
        })
        const isDone = state && (state.oldestMs === undefined || state.oldestMs > atMs)
        if (!isDone) leftCount += state?.pendingCount ?? 1
        else if (this.putAtMs.get(node) === atMs) this.putAtMs.delete(node)
      }
    }
    return leftCount
  }

  private decode({ key, seq, body }: PendingEntry): Item<V> | undefined {
    const { codec } = this.core.settings
    const stored = decodeBody(body)
    try {
      if (stored?.isNull) return { key: this.nameOf(key), value: null, seq }
      if (stored?.codecId === codec.id)
        return { key: this.nameOf(key), value: this.core.readBytes(this.nameOf(key), stored.bytes), seq }
    } catch (error) {
      this.core.on.error?.(error)
    }
    return undefined
  }

  private async write(items: readonly Item<V>[], signal: AbortSignal): Promise<void> {
    const { write, loadTimeoutMs } = this.core.settings
    const batch = new Map(items.map(({ key, value }) => [key, value]))
    const seqs = new Map(items.map(({ key, seq }) => [key, seq]))
    await callWriter(write!, batch, { seqs, timeoutMs: loadTimeoutMs, signal })
  }

  private nameOf(whole: Buffer): string {
    return whole.toString('utf8', this.prefixBytes)
  }

  private tooMany(key: string, node: string): CachectlError {
    const { loadTimeoutMs } = this.core.settings
    return refused(
      `${printable(key, 80)} was not put: node ${printable(node)} has taken no further key for ${loadTimeoutMs} ms`,
      `${this.settings.maxPending} keys wait there for the source (behind.max), or its memory is full. The source is away, or too slow.`,
    )
  }

  private notDrained(leftCount: number): CachectlError {
    const { loadTimeoutMs } = this.core.settings
    return stopped(
      `${leftCount} entries still wait for the source after ${loadTimeoutMs} ms`,
      'None is lost: they stand in the journals of their nodes, and another process with this cache, or the next start, writes them.',
    )
  }
}
