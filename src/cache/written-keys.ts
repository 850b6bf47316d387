/**
 * Which keys are known to have changed, and when: what a replica says of one is of use only if it is known to have all from
 * before that moment. A change older than a second is in every replica that may be read.
 */
import type { Clock } from '../clock.js'

/** More are not kept: then all keys count as changed when the oldest was. */
const maxKeys = 10_000
const rememberedMs = 1_000

export class WrittenKeys {
  /** The latest change last. */
  private readonly changedMs = new Map<string, number>()
  private floorMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly clock: Clock,
    private readonly limit = maxKeys,
  ) {}

  note(keys: readonly Buffer[]): void {
    const nowMs = this.clock.nowMs()
    for (const key of keys) {
      const name = key.toString('latin1')
      this.changedMs.delete(name)
      this.changedMs.set(name, nowMs)
    }
    for (const [name, atMs] of this.changedMs) {
      const isOver = atMs <= nowMs - rememberedMs
      if (!isOver && this.changedMs.size <= this.limit) return
      this.changedMs.delete(name)
      if (!isOver) this.floorMs = atMs
    }
  }

  noteAll(): void {
    this.changedMs.clear()
    this.floorMs = this.clock.nowMs()
  }

  /** When the latest of them is known to have changed, monotonic ms. */
  sinceMs(keys: readonly Buffer[]): number {
    if (this.changedMs.size === 0) return this.floorMs
    return Math.max(
      this.floorMs,
      ...keys.map((key) => this.changedMs.get(key.toString('latin1')) ?? this.floorMs),
    )
  }
}
