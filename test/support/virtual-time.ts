/** Time that stands still until a test lets it pass: a clock, and the timers of this process while it is installed. */
import type { Clock } from '../../src/clock.js'

interface Timer {
  readonly id: number
  atMs: number
  readonly everyMs: number | undefined
  run(): void
}

const { setTimeout: realTimeout, clearTimeout: realClear } = globalThis
const { setInterval: realInterval, clearInterval: realClearInterval } = globalThis

export class VirtualTime implements Clock {
  private current = 1_000
  private lastId = 0
  private readonly timers = new Map<number, Timer>()

  /** Timers of this process are these from now on; `uninstall` gives the real ones back. */
  static install(): VirtualTime {
    const time = new VirtualTime()
    const start = (run: (...args: unknown[]) => void, ms: unknown, args: unknown[], isRepeated: boolean) =>
      time.start(() => run(...args), Math.max(0, Number(ms ?? 0)), isRepeated)
    const timeout = (run: (...args: unknown[]) => void, ms?: unknown, ...args: unknown[]) =>
      start(run, ms, args, false)
    const interval = (run: (...args: unknown[]) => void, ms?: unknown, ...args: unknown[]) =>
      start(run, ms, args, true)
    const clear = (handle: unknown) => time.stop(handle)
    Object.assign(globalThis, {
      setTimeout: Object.assign(timeout, realTimeout),
      setInterval: interval,
      clearTimeout: clear,
      clearInterval: clear,
    })
    return time
  }

  uninstall(): void {
    this.timers.clear()
    Object.assign(globalThis, {
      setTimeout: realTimeout,
      setInterval: realInterval,
      clearTimeout: realClear,
      clearInterval: realClearInterval,
    })
  }

  nowMs(): number {
    return this.current
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.current
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.stop(handle)
        reject(signal?.reason)
      }
      const end = () => {
        signal?.removeEventListener('abort', giveUp)
        resolve()
      }
      const handle = this.start(end, ms, false)
      signal?.addEventListener('abort', giveUp)
    })
  }

  /** What is due by then runs in its order, and what follows from each is awaited before the next. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.current + ms
    for (;;) {
      const next = this.next()
      if (!next || next.atMs > untilMs) break
      this.current = Math.max(this.current, next.atMs)
      if (next.everyMs === undefined) this.timers.delete(next.id)
      else next.atMs += next.everyMs
      next.run()
      await settle()
    }
    this.current = untilMs
    await settle()
  }

  /** A process that stands still: time passes, and its timers are late. */
  jump(ms: number): void {
    this.current += ms
  }

  private next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.timers.values()) if (!first || timer.atMs < first.atMs) first = timer
    return first
  }

  private start(run: () => void, ms: number, isRepeated: boolean) {
    const id = ++this.lastId
    this.timers.set(id, { id, atMs: this.current + ms, everyMs: isRepeated ? ms : undefined, run })
    return { id, unref: () => undefined, ref: () => undefined }
  }

  private stop(handle: unknown): void {
    if (typeof handle === 'object' && handle && 'id' in handle) this.timers.delete(Number(handle.id))
  }
}

/** Until nothing more follows from what has happened. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 2; round++) await new Promise<void>((resolve) => setImmediate(resolve))
}
