/** One connection to a fake node: requests in order, replies and invalidations in order, each when the scheduler says so. */
import type { Vouch } from '../../src/cache/ports.js'
import { unreachable } from '../../src/errors.js'
import { vouchMs } from '../../src/redis/tracked-connection.js'
import type { FakeFleet } from './fake-l2.js'
import type { Caller, FakeNode } from './fake-node.js'

/** A connection whose request has no answer for so long is lost. */
const silenceMs = 1_000

interface Call {
  readonly sentMs: number
  reject(error: unknown): void
}

export class Link implements Caller {
  private current = { untilMs: 0 }
  isLost = false
  /** Bytes go in and nothing comes out, either way. */
  isSilent = false
  heardMs: number
  /** OPTIN: the request that is being run did not ask to be told. */
  isUntold = false
  private requests: Promise<void> = Promise.resolve()
  private replies: Promise<void> = Promise.resolve()
  private readonly calls = new Set<Call>()
  /** Keys whose invalidation is on its way. */
  readonly announced: string[] = []

  constructor(
    readonly client: string,
    readonly node: FakeNode,
    private readonly fleet: FakeFleet,
    private readonly on: {
      heard(sentMs: number): void
      invalidated(keys: readonly string[] | null): void
      lost(): void
    },
  ) {
    this.heardMs = fleet.options.time.nowMs()
    fleet.links.add(this)
    node.join(this)
  }

  /** Nothing that was sent is unanswered. */
  get isQuiet(): boolean {
    return this.calls.size === 0
  }

  get vouch(): Vouch {
    return this.current
  }

  push(keys: readonly string[] | null): void {
    const names = keys ?? ['']
    this.announced.push(...names)
    this.backward(`${this.client} < ${this.node.id} invalidate ${names.join(' ')}`, () => {
      this.announced.splice(0, names.length)
      if (!keys) this.forgetAll()
      this.on.invalidated(keys)
    })
  }

  send<T>(what: string, run: (node: FakeNode) => T): Promise<T> {
    const { time } = this.fleet.options
    const sentMs = time.nowMs()
    return new Promise<T>((resolve, reject) => {
      const call: Call = { sentMs, reject }
      this.calls.add(call)
      const timer = setTimeout(() => this.lose(), silenceMs)
      const end = () => {
        clearTimeout(timer)
        this.calls.delete(call)
      }
      this.forward(`${this.client} > ${this.node.id} ${what}`, () => {
        const reply = run(this.node)
        this.backward(`${this.client} < ${this.node.id} ${what}`, () => {
          end()
          this.hear(sentMs)
          resolve(reply)
        })
      })
    })
  }

  lose(): void {
    if (this.isLost) return
    this.isLost = true
    this.current.untilMs = 0
    this.fleet.links.delete(this)
    this.node.leave(this)
    for (const { reject } of this.calls)
      reject(unreachable(`node ${this.node.id}: the connection was closed`))
    this.on.lost()
  }

  private forgetAll(): void {
    const { untilMs } = this.current
    this.current.untilMs = 0
    this.current = { untilMs }
  }

  private hear(sentMs: number): void {
    if (sentMs < this.heardMs) return
    this.heardMs = sentMs
    this.current.untilMs = sentMs + vouchMs
    this.on.heard(sentMs)
  }

  private forward(step: string, act: () => void): void {
    this.requests = this.requests.then(async () => {
      await this.fleet.options.deliver(step)
      await this.fleet.frozen.get(this.node.id)?.whenThawed
      if (!this.isSilent && !this.isLost) act()
    })
  }

  private backward(step: string, act: () => void): void {
    this.replies = this.replies.then(async () => {
      await this.fleet.options.deliver(step)
      if (!this.isSilent && !this.isLost) act()
    })
  }
}
