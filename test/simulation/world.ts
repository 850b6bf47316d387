/**
 * Virtual time: a queue of events, of which one runs at a time, and whatever it sets going runs to its end before the
 * next. Equal seeds give equal runs. Events belong to actors, which may freeze or die.
 */
import type { Clock } from '../../src/clock.js'
import { createRandom, type Random } from '../../src/random.js'

/** A process of the simulated world. What a dead one still had to do is never done. */
export interface Actor {
  readonly name: string
  isAlive: boolean
  frozenUntilMs: number
}

interface Event {
  readonly atMs: number
  /** Decides between events of one moment. */
  readonly tie: number
  readonly actor: Actor | undefined
  readonly act: () => void
}

const wallStartMs = 1_800_000_000_000
const stepsBetweenBreaths = 4_096
const mostSteps = 500_000

export class World {
  nowMs = 0
  readonly random: Random
  /** What happened in this run, and how often: a fault that never strikes tests nothing. */
  readonly sightings = new Map<string, number>()
  readonly trace: string[] = []
  private readonly heap: Event[] = []
  private lastStamp = 0
  private failure: unknown

  constructor(
    seed: number,
    private readonly options: {
      readonly isTraced: boolean
      /** Also the runtime gets its turn after each event, so that a rejection nobody handles yet is noticed there. */
      readonly isStrict: boolean
    },
  ) {
    this.random = createRandom(seed)
  }

  schedule(delayMs: number, actor: Actor | undefined, act: () => void): void {
    this.push({ atMs: this.nowMs + delayMs, tie: this.random.uint32(), actor, act })
  }

  clockOf(actor: Actor): Clock {
    return {
      nowMs: () => this.nowMs,
      wallMs: () => this.wallMs(),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) {
            reject(signal.reason)
            return
          }
          const abort = () => reject(signal?.reason)
          signal?.addEventListener('abort', abort, { once: true })
          // a late timer, as every real one
          this.schedule(ms + this.random.next(), actor, () => {
            signal?.removeEventListener('abort', abort)
            resolve()
          })
        }),
    }
  }

  wallMs(): number {
    return wallStartMs + this.nowMs
  }

  /** The virtual time, but never the same twice: the order in which things were seen. */
  stamp(): number {
    this.lastStamp = Math.max(this.nowMs, this.lastStamp + 1e-6)
    return this.lastStamp
  }

  chance(probability: number): boolean {
    return this.random.next() < probability
  }

  between(low: number, high: number): number {
    return low + this.random.next() * (high - low)
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)]!
  }

  saw(what: string): void {
    this.sightings.set(what, (this.sightings.get(what) ?? 0) + 1)
  }

  note(text: () => string): void {
    if (this.options.isTraced) this.trace.push(`${this.nowMs.toFixed(3).padStart(10)}  ${text()}`)
  }

  /** Ends the run: something happened that must not. */
  fail(error: unknown): void {
    this.failure ??= error
  }

  /** Runs until `isDone`, or until nothing is left to happen where it is absent. */
  run(limitMs: number, isDone?: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let steps = 0
      const step = () => {
        try {
          if (this.failure) throw this.failure
          if (isDone?.()) return resolve()
          const event = this.pop()
          if (!event && !isDone) return resolve()
          if (!event) throw new Error('deadlock: nothing is left to happen, and the work is not done')
          if (event.atMs > limitMs) throw new Error(`the work was not done at ${limitMs} ms`)
          if (steps > mostSteps) throw new Error(`more than ${mostSteps} events by ${event.atMs} ms`)
          this.nowMs = event.atMs
          this.perform(event)
        } catch (error) {
          return reject(error)
        }
        steps += 1
        if (this.options.isStrict || steps % stepsBetweenBreaths === 0) setImmediate(step)
        // the tick comes when no microtask is left, also of those that others make; far cheaper than setImmediate
        else queueMicrotask(() => process.nextTick(step))
      }
      setImmediate(step)
    })
  }

  private perform(event: Event): void {
    const { actor } = event
    if (actor && !actor.isAlive) return
    if (actor && actor.frozenUntilMs > this.nowMs)
      this.push({ ...event, atMs: actor.frozenUntilMs, tie: this.random.uint32() })
    else event.act()
  }

  private push(event: Event): void {
    const { heap } = this
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  private pop(): Event | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie)
}

/** A time to wait that is mostly short and sometimes long. */
export function heavyTail(world: World, typicalMs: number, longestMs: number): number {
  const wait = -Math.log(1 - world.random.next()) * typicalMs
  return Math.min(longestMs, world.chance(0.1) ? wait * 20 : wait)
}
