/**
 * One read of one key that is under way in this process. An invalidation that comes meanwhile makes it dirty: whoever
 * waits for it began before and may have its value, but nobody who comes later, and L1 never.
 */
import type { Vouch } from './ports.js'

/** For what nobody else can change. */
export const always: Vouch = { untilMs: Number.POSITIVE_INFINITY }

export class Flight<T> {
  readonly promise: Promise<T>
  isDirty = false
  /** How the read went; what nobody told waited for the source. */
  outcome: 'l2' | 'stale' | 'miss' = 'miss'
  /** Until then its node tells of what makes it dirty: whoever comes later begins anew. */
  vouch: Vouch = always
  private wakeUp: (() => void) | undefined
  private settle!: { resolve(value: T): void; reject(error: unknown): void }

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
    })
    this.promise.catch(() => undefined) // each who waits has its own
  }

  /** Whether it waits for somebody else's load: then it reads again after an invalidation, and stays good for all. */
  get isWaiting(): boolean {
    return this.wakeUp !== undefined
  }

  resolve(value: T): void {
    this.settle.resolve(value)
  }

  reject(error: unknown): void {
    this.settle.reject(error)
  }

  wake(): void {
    this.wakeUp?.()
  }

  /** Until it is woken, or so many ms have passed. */
  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.wakeUp = undefined
  }
}

/** The flights of a cache, one a key. */
export class Flights<T> {
  private readonly byKey = new Map<string, Flight<T>>()

  of(key: string): Flight<T> | undefined {
    return this.byKey.get(key)
  }

  all(): Iterable<Flight<T>> {
    return this.byKey.values()
  }

  start(key: string): Flight<T> {
    const flight = new Flight<T>()
    const before = this.byKey.get(key)
    // it hears of nothing any more
    if (before) before.isDirty = true
    this.byKey.set(key, flight)
    return flight
  }

  /** One that was overtaken may have held the lease that its successor waits for, and nobody is told of own writes. */
  end(key: string, flight: Flight<T>): void {
    const present = this.byKey.get(key)
    if (present === flight) this.byKey.delete(key)
    else present?.wake()
  }

  /** What is read from now on begins anew. */
  invalidate(key: string): void {
    const flight = this.byKey.get(key)
    if (flight) this.disturb(key, flight)
  }

  invalidateAll(): void {
    for (const [key, flight] of this.byKey) this.disturb(key, flight)
  }

  private disturb(key: string, flight: Flight<T>): void {
    if (flight.isWaiting) {
      flight.wake()
      return
    }
    flight.isDirty = true
    this.byKey.delete(key)
  }
}
