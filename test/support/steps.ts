/** A scheduler by hand: what waits to be delivered, by name, and the test says what comes next. */
import assert from 'node:assert/strict'
import { settle, type VirtualTime } from './virtual-time.js'

interface Step {
  readonly name: string
  take(): void
}

export class Steps {
  private readonly waiting: Step[] = []

  constructor(private readonly time: VirtualTime) {}

  readonly deliver = (name: string): Promise<void> =>
    new Promise((resolve) => this.waiting.push({ name, take: resolve }))

  get names(): string[] {
    return this.waiting.map(({ name }) => name)
  }

  has(name: string): boolean {
    return this.waiting.some((step) => step.name.includes(name))
  }

  /** The first that waits whose name has these words, and all that follows at once. */
  async take(...names: string[]): Promise<void> {
    for (const name of names) {
      await settle()
      const index = this.waiting.findIndex((step) => step.name.includes(name))
      assert.ok(index >= 0, `nothing like "${name}" waits, but: ${this.names.join(' | ') || 'nothing'}`)
      const [step] = this.waiting.splice(index, 1)
      step!.take()
      await settle()
    }
  }

  /** All that waits and all that follows, in the order it came, but what has one of these words in its name. */
  async takeAll({ but = [] }: { but?: readonly string[] } = {}): Promise<void> {
    for (let taken = 0; ; taken++) {
      await settle()
      const index = this.waiting.findIndex(({ name }) => !but.some((word) => name.includes(word)))
      if (index < 0) return
      assert.ok(taken < 10_000, `no end: ${this.names.join(' | ')}`)
      const [step] = this.waiting.splice(index, 1)
      step!.take()
    }
  }

  /** Delivers, and lets time pass where nothing else happens, until it is settled: in at most so many ms. */
  async finish<T>(
    promise: Promise<T>,
    { withinMs = 60_000, but = [] as readonly string[] } = {},
  ): Promise<T> {
    let isSettled = false
    const end = () => {
      isSettled = true
    }
    promise.then(end, end)
    const untilMs = this.time.nowMs() + withinMs
    for (;;) {
      await this.takeAll({ but })
      if (isSettled) return promise
      assert.ok(
        this.time.nowMs() < untilMs,
        `nothing after ${withinMs} ms; waiting: ${this.names.join(' | ')}`,
      )
      await this.time.pass(1)
    }
  }

  /** Lets so much time pass, and delivers all the while. */
  async pass(ms: number, { but = [] as readonly string[] } = {}): Promise<void> {
    const stepMs = Math.max(1, ms / 100)
    for (let passed = 0; passed < ms; passed += stepMs) {
      await this.takeAll({ but })
      await this.time.pass(Math.min(stepMs, ms - passed))
    }
    await this.takeAll({ but })
  }
}
