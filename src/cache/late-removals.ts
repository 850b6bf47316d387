/**
 * Invalidations that a node could not be told. They are repeated until it answers, for as long as this process lives; what
 * a node that is away still serves to others is theirs to bound: their own L1 does not outlive its silence by a second.
 */
import type { Clock } from '../clock.js'
import { isUnreachable } from '../errors.js'
import type { CacheEvents } from './options.js'

/** What is to be told: of several about one key or tag one is enough. */
export type LateSubject = { readonly key: Buffer } | { readonly tag: string }

export interface Telling {
  /** Whether its node answers now. */
  isReady(): boolean
  tell(): Promise<void>
}

/** More are not kept: the oldest is given up, and said so. */
const maxPending = 100_000
const againMs = { first: 100, longest: 2_000 }

export class LateRemovals {
  private readonly pending = new Map<string, Telling>()
  private readonly ending = new AbortController()
  private working: Promise<void> | undefined

  constructor(
    private readonly clock: Clock,
    private readonly on: Partial<CacheEvents>,
  ) {}

  get size(): number {
    return this.pending.size
  }

  has(subject: LateSubject): boolean {
    return this.pending.size > 0 && this.pending.has(nameOf(subject))
  }

  add(subject: LateSubject, telling: Telling): void {
    const name = nameOf(subject)
    this.pending.delete(name)
    this.pending.set(name, telling)
    if (this.pending.size > maxPending) {
      const [oldest] = this.pending.keys()
      this.pending.delete(oldest!)
      this.on.error?.(
        new Error(
          `more than ${maxPending} invalidations wait for nodes that are away; the oldest is given up`,
        ),
      )
    }
    this.working ??= this.work().finally(() => {
      this.working = undefined
    })
  }

  /** Ends the repetition; what is still pending is lost with the process. */
  async close(): Promise<void> {
    this.ending.abort()
    await this.working
  }

  private async work(): Promise<void> {
    const { signal } = this.ending
    for (let pauseMs = againMs.first; this.pending.size > 0; ) {
      await this.clock.sleep(pauseMs, signal).catch(() => undefined)
      if (signal.aborted) return
      let isAnyTold = false
      for (const [name, telling] of [...this.pending]) {
        if (signal.aborted) return
        if (!telling.isReady()) continue
        const isTold = await this.tell(telling)
        if (isTold && this.pending.get(name) === telling) this.pending.delete(name)
        isAnyTold ||= isTold
      }
      pauseMs = isAnyTold ? againMs.first : Math.min(againMs.longest, pauseMs * 2)
    }
  }

  private async tell(telling: Telling): Promise<boolean> {
    try {
      await telling.tell()
      return true
    } catch (error) {
      if (isUnreachable(error)) return false
      this.on.error?.(error)
      return true
    }
  }
}

function nameOf(subject: LateSubject): string {
  return 'key' in subject ? `k${subject.key.toString('latin1')}` : `t${subject.tag}`
}
