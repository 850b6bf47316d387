/**
 * Carries what waits in the journals to the source of truth. Each process has one; what one of them has claimed and not
 * written, because it died, the others find when the claim is over. Of a key one entry waits, and one claim has it: so
 * values of a key are written in order.
 */
import type { Clock } from '../clock.js'
import { isUnreachable } from '../errors.js'
import type { Random } from '../random.js'
import { Alarm } from './alarm.js'
import type { Claim, JournalPort, PendingEntry, Retry } from './journal-port.js'
import type { BehindSettings } from './options.js'
import type { CacheStats } from './stats.js'
import { Stranded } from './stranded.js'
import { failureText, type Outcome, writeBatch } from './write-batch.js'

export interface FlusherWorld<T> {
  readonly journal: JournalPort
  readonly settings: BehindSettings
  readonly clock: Clock
  readonly random: Random
  readonly stats: CacheStats
  /** undefined: not ours to read; somebody else's, perhaps. */
  decode(entry: PendingEntry): T | undefined
  /** Throws unless all is written. */
  write(items: readonly T[], signal: AbortSignal): Promise<void>
  /** About to tell the node that these are written, or have ended otherwise; and again when it was told. */
  onSettle(entries: readonly PendingEntry[]): void
  onError(error: unknown): void
}

/** A process that dies leaves its claims for so long; who lives renews them. */
const claimMs = 5_000
/** A node is looked at so often while nothing of ours waits there. */
const idleMs = 1_000
const nodeAwayMs = 250
/** An entry that another one goes before. */
const turnMs = 25
/** An entry of another codec: some other process may read it. */
const unreadableMs = 2_000
const maxAttempts = 8
const retryMs = { first: 50, longest: 5_000 }
const maxRemembered = 10_000

/** A claim under way; its token changes when it is renewed. */
interface Batch {
  readonly node: string
  token: string
}

export class Flusher<T> {
  private readonly stranded: Stranded
  private readonly loops = new Map<string, Promise<void>>()
  private readonly states = new Map<string, Claim>()
  private readonly alarms = new Map<string, Alarm>()
  private readonly ending = new AbortController()
  private hurriedCount = 0
  /** Calls in a row that failed altogether: the source is away. */
  private awayRounds = 0
  private awayUntilMs = 0
  private lastWrittenMs = Number.NEGATIVE_INFINITY
  /** When an entry failed last, by its number. */
  private readonly failedAtMs = new Map<bigint, number>()
  private watching: NodeJS.Timeout | undefined
  private restoring: Promise<void> = Promise.resolve()

  constructor(private readonly world: FlusherWorld<T>) {
    this.stranded = new Stranded(world.journal)
  }

  start(): void {
    const look = () => {
      for (const node of this.world.journal.nodes()) {
        if (!this.loops.has(node)) this.loops.set(node, this.follow(node))
        if (this.world.settings.copies === 2) this.restoring = this.restoring.then(() => this.restore(node))
      }
    }
    this.watching = setInterval(look, idleMs)
    this.watching.unref()
    look()
  }

  /** Something was put at a node: it is due after the delay. */
  expect(node: string): void {
    this.alarms.get(node)?.dueIn(this.world.settings.delayMs)
  }

  /** While the body runs nothing waits for later values of its key. */
  async hurried<R>(body: () => Promise<R>): Promise<R> {
    this.hurriedCount += 1
    for (const alarm of this.alarms.values()) alarm.dueIn(0)
    try {
      return await body()
    } finally {
      this.hurriedCount -= 1
    }
  }

  /** Ends; what is claimed and not written is due at once, for others. */
  async stop(): Promise<void> {
    clearInterval(this.watching)
    this.ending.abort()
    for (const alarm of this.alarms.values()) alarm.ring()
    await Promise.all([this.restoring, ...this.loops.values()])
  }

  private async restore(node: string): Promise<void> {
    if (this.ending.signal.aborted) return
    await this.world.journal.restoreCopies(node).catch((error: unknown) => {
      if (!isUnreachable(error)) this.world.onError(error)
    })
  }

  private async follow(node: string): Promise<void> {
    const { clock, random, journal } = this.world
    const alarm = new Alarm(clock)
    this.alarms.set(node, alarm)
    while (!this.ending.signal.aborted && journal.nodes().includes(node)) {
      let pauseMs: number
      try {
        pauseMs = await this.step(node)
      } catch (error) {
        if (!isUnreachable(error)) this.world.onError(error)
        pauseMs = nodeAwayMs * (1 + random.next())
      }
      const awayMs = Math.max(0, this.awayUntilMs - clock.nowMs())
      if (!this.ending.signal.aborted && pauseMs + awayMs > 0)
        await alarm.wait(Math.max(pauseMs, awayMs), awayMs)
    }
    this.loops.delete(node)
    this.alarms.delete(node)
    this.tell(node, undefined)
  }

  /** One claim, carried out; how long to wait for the next. */
  private async step(node: string): Promise<number> {
    const { journal, settings, random } = this.world
    await this.stranded.look()
    const claim = await journal.claim(node, {
      ...{ count: settings.batchKeys, leaseMs: claimMs },
      earlyMs: this.hurriedCount > 0 ? settings.delayMs : 0,
    })
    this.tell(node, claim)
    if (claim.entries.length > 0) {
      await this.carryOut(node, claim)
      return 0
    }
    const mostMs = idleMs * (1 - 0.2 * random.next())
    return Math.max(1, Math.min(mostMs, this.hurriedCount > 0 ? turnMs : claim.nextDueMs))
  }

  private async carryOut(node: string, claim: Claim): Promise<void> {
    const { journal } = this.world
    const batch: Batch = { node, token: claim.token }
    const keys = claim.entries.map(({ key }) => key)
    let renewing: Promise<void> = Promise.resolve()
    const renewal = setInterval(() => {
      renewing = renewing.then(async () => {
        batch.token = await journal
          .renew(node, { token: batch.token, keys, leaseMs: claimMs })
          .catch(() => batch.token) // then it runs out, and others write the same again
      })
    }, claimMs / 4)
    let rest: Settlement
    try {
      rest = await this.writeAll(node, claim.entries)
    } finally {
      clearInterval(renewal)
      await renewing
    }
    await this.settle(batch, rest)
  }

  private async writeAll(node: string, entries: readonly PendingEntry[]): Promise<Settlement> {
    const { random, stats } = this.world
    const rest: Settlement = { written: [], retries: [], letters: [] }
    const waiting = await this.stranded.mustWait(node, entries)
    const ready: { readonly entry: PendingEntry; readonly item: T }[] = []
    for (const entry of entries) {
      const item = waiting.has(entry) ? undefined : this.world.decode(entry)
      if (item !== undefined) ready.push({ entry, item })
      else rest.retries.push(later(entry, waiting.has(entry) ? turnMs : unreadableMs))
    }
    if (ready.length === 0) return rest
    const { signal } = this.ending
    const outcomes = await writeBatch(ready, {
      ...{ random, signal },
      write: async (some) => {
        try {
          await this.world.write(
            some.map(({ item }) => item),
            signal,
          )
        } catch (error) {
          stats.flushErrors += 1
          throw error
        }
      },
    })
    const tried = ready.map(({ entry }) => entry)
    this.judge(tried, outcomes, rest)
    return rest
  }

  /** A failure counts where others went well: in the same batch, or since this one failed last. */
  private judge(entries: readonly PendingEntry[], outcomes: readonly Outcome[], rest: Settlement): void {
    const { clock, random, onError } = this.world
    const nowMs = clock.nowMs()
    const hasWritten = outcomes.some(({ kind }) => kind === 'written')
    const hasEnded = this.ending.signal.aborted
    if (hasWritten) this.lastWrittenMs = nowMs
    let isAway = false
    let reported = false
    outcomes.forEach((outcome, index) => {
      const entry = entries[index]!
      if (outcome.kind === 'written') {
        this.failedAtMs.delete(entry.seq)
        rest.written.push(entry)
        return
      }
      if (hasEnded || outcome.kind === 'untried') {
        rest.retries.push(later(entry, hasEnded ? 0 : retryMs.first))
        return
      }
      if (!reported) onError(outcome.error)
      reported = true
      const failedMs = this.failedAtMs.get(entry.seq) ?? Number.POSITIVE_INFINITY
      const isCounted = hasWritten || this.lastWrittenMs > failedMs
      if (outcome.kind === 'poison' || (isCounted && entry.attempts + 1 >= maxAttempts)) {
        this.failedAtMs.delete(entry.seq)
        rest.letters.push({ entry, error: failureText(outcome.error) })
        return
      }
      if (!isCounted) isAway = true
      this.remember(entry.seq, nowMs)
      rest.retries.push({ ...later(entry, backoffMs(isCounted ? entry.attempts : 0, random)), isCounted })
    })
    if (hasWritten) this.comeBack()
    else if (isAway) {
      this.awayUntilMs = nowMs + backoffMs(this.awayRounds, random)
      this.awayRounds += 1
    }
  }

  /** The source answers: nobody waits for it any longer. */
  private comeBack(): void {
    if (this.awayRounds === 0) return
    this.awayRounds = 0
    this.awayUntilMs = 0
    for (const alarm of this.alarms.values()) alarm.ring()
  }

  private async settle({ node, token }: Batch, { written, retries, letters }: Settlement): Promise<void> {
    const { journal, stats, onSettle } = this.world
    const ended = [...written, ...letters.map(({ entry }) => entry)]
    onSettle(ended)
    const done = await Promise.allSettled([
      written.length > 0 ? journal.settle(node, token, written) : undefined,
      retries.length > 0 ? journal.retry(node, token, retries) : undefined,
      ...letters.map((letter) => journal.bury(node, token, letter)),
    ])
    onSettle(ended)
    const failed = done.find((each) => each.status === 'rejected')
    // the claims run out, and the same is written again
    if (failed) throw failed.reason
    stats.flushed += written.length
    stats.deadLetters += letters.length
  }

  private remember(seq: bigint, nowMs: number): void {
    if (this.failedAtMs.size >= maxRemembered) this.failedAtMs.clear()
    this.failedAtMs.set(seq, nowMs)
  }

  private tell(node: string, claim: Claim | undefined): void {
    const { stats } = this.world
    if (claim) this.states.set(node, claim)
    else this.states.delete(node)
    const states = [...this.states.values()]
    stats.pending = states.reduce((sum, { pendingCount }) => sum + pendingCount, 0)
    stats.lagMs = Math.max(0, ...states.map(({ lagMs }) => lagMs))
  }
}

/** How the entries of one claim end. */
interface Settlement {
  readonly written: PendingEntry[]
  readonly retries: Retry[]
  readonly letters: { readonly entry: PendingEntry; readonly error: string }[]
}

function later({ key, seq }: PendingEntry, delayMs: number): Retry {
  return { key, seq, delayMs, isCounted: false }
}

/** 50 ms, doubled each round up to 5 s, and of that a random half to the whole. */
function backoffMs(round: number, random: Random): number {
  const wholeMs = Math.min(retryMs.longest, retryMs.first * 2 ** Math.min(round, 20))
  return wholeMs * (0.5 + 0.5 * random.next())
}
