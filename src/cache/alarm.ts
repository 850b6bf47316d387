/** Wakes one loop: when its pause is over, or earlier because something is due. */
import type { Clock } from '../clock.js'

export class Alarm {
  /** When it goes off, monotonic ms. */
  private atMs = Number.POSITIVE_INFINITY
  private notBeforeMs = Number.NEGATIVE_INFINITY
  private timer: NodeJS.Timeout | undefined
  private wake: (() => void) | undefined

  constructor(private readonly clock: Clock) {}

  /** Something is due in so many ms; whoever does not wait now finds it at the next wait. */
  dueIn(ms: number): void {
    const atMs = this.clock.nowMs() + ms
    if (atMs >= this.atMs) return
    this.atMs = atMs
    if (this.wake) this.arm()
  }

  /** Now, whatever the wait's least is. */
  ring(): void {
    this.notBeforeMs = Number.NEGATIVE_INFINITY
    this.dueIn(0)
  }

  /** At most so long, and not shorter than `leastMs` but for `ring`. */
  async wait(ms: number, leastMs = 0): Promise<void> {
    const nowMs = this.clock.nowMs()
    this.notBeforeMs = nowMs + leastMs
    this.atMs = Math.min(this.atMs, nowMs + ms)
    await new Promise<void>((resolve) => {
      this.wake = resolve
      this.arm()
    })
    clearTimeout(this.timer)
    this.wake = undefined
    this.atMs = Number.POSITIVE_INFINITY
  }

  private arm(): void {
    clearTimeout(this.timer)
    const inMs = Math.max(this.atMs, this.notBeforeMs) - this.clock.nowMs()
    this.timer = setTimeout(() => this.wake?.(), Math.max(0, inMs))
  }
}
