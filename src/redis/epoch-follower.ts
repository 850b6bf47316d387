/**
 * Follows the control store for a ring client: one epoch is served at a time, and the next one is acked only when
 * nothing of the one before can still happen (docs/protocol.md §6, R1 to R5 and R7).
 */
import type { ControlStore, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { createRouter, nodesOf, type Phase, type Route } from '../ring/epoch.js'
import type { NodeSpec } from '../ring/topology.js'

/** The command must be routed anew: the ring's state has moved on. */
export class StaleEpoch extends Error {}

export interface FollowerOptions {
  readonly id: string
  readonly origin: string
  readonly control: ControlStore
  readonly clock: Clock
  /** Makes it impossible that a lost connection's commands still run, then connects to these nodes. Throws if it can't. */
  readonly settle: (nodes: readonly NodeSpec[]) => Promise<void>
}

const heartbeatMs = 1_000
const watchRetryMs = 250
const gateRetryMs = 5

export class EpochFollower {
  private readonly stopping = new AbortController()
  private route: (key: Uint8Array) => Route
  private underWay = 0
  private adopting: Promise<void> | undefined
  private drained: (() => void) | undefined
  private ackedEpoch = -1
  private telling: Promise<void> = Promise.resolve()
  private background: Promise<unknown>[] = []

  private constructor(
    private readonly options: FollowerOptions,
    private stored: StoredState,
  ) {
    this.route = createRouter(stored.state)
  }

  /** Registers first, then reads the state, then serves: an operator can't miss us. */
  static async start(options: FollowerOptions, first: StoredState): Promise<EpochFollower> {
    const follower = new EpochFollower(options, first)
    await follower.tell(-1)
    await follower.adopt((await options.control.load()) ?? first)
    follower.background = [follower.follow(), follower.beat()]
    return follower
  }

  get epoch(): number {
    return this.stored.state.epoch
  }

  get phase(): Phase {
    return this.stored.state.phase
  }

  get nodes(): NodeSpec[] {
    return nodesOf(this.stored.state)
  }

  get signal(): AbortSignal {
    return this.stopping.signal
  }

  routeOf(key: Uint8Array): Route {
    return this.route(key)
  }

  /** Runs a command in one epoch; a newer one is adopted before or after it, never meanwhile. */
  async inEpoch<T>(body: () => Promise<T>): Promise<T> {
    while (this.adopting) await this.adopting
    this.underWay += 1
    try {
      return await body()
    } finally {
      this.underWay -= 1
      if (this.underWay === 0) this.drained?.()
    }
  }

  /** Throws `StaleEpoch` when the store holds another epoch than the one we serve. */
  async requireFresh(): Promise<void> {
    const latest = await this.options.control.load()
    if (latest && latest.state.epoch !== this.epoch) throw new StaleEpoch()
  }

  /** Adopts what the store holds now; the caller is not inside `inEpoch`. */
  async refresh(): Promise<void> {
    const latest = await this.options.control.load()
    if (latest && latest.state.epoch > this.epoch) await this.adopt(latest)
    else await this.options.clock.sleep(gateRetryMs) // a gate rises before the state is published: it comes in a moment
  }

  /** Waits for what is under way and takes our name off the register. */
  async stop(): Promise<void> {
    this.stopping.abort()
    await Promise.all(this.background)
    await this.quiesce()
    await this.telling.catch(() => undefined)
    await this.options.control.removeClient(this.options.id).catch(() => undefined) // the operator forgets us in time
  }

  private async adopt(latest: StoredState): Promise<void> {
    while (this.adopting) await this.adopting
    if (latest.state.epoch <= this.epoch && this.ackedEpoch >= 0) return
    let done: () => void = () => {}
    this.adopting = new Promise((resolve) => {
      done = resolve
    })
    try {
      await this.quiesce()
      await this.options.settle(nodesOf(latest.state))
      this.stored = latest
      this.route = createRouter(latest.state)
      this.ackedEpoch = latest.state.epoch
      await this.tell(this.ackedEpoch)
    } finally {
      this.adopting = undefined
      done()
    }
  }

  private async quiesce(): Promise<void> {
    while (this.underWay > 0) {
      await new Promise<void>((resolve) => {
        this.drained = resolve
      })
    }
  }

  private async follow(): Promise<void> {
    while (!this.signal.aborted) {
      try {
        for await (const stored of this.options.control.watch(this.signal)) {
          if (stored.state.epoch > this.epoch) await this.adopt(stored)
        }
      } catch {
        // the store or a node is away: we go on serving on the connections that we have, and look again
        await this.options.clock.sleep(watchRetryMs, this.signal).catch(() => undefined)
      }
    }
  }

  private async beat(): Promise<void> {
    while (!this.signal.aborted) {
      await this.options.clock.sleep(heartbeatMs, this.signal).catch(() => undefined)
      if (!this.signal.aborted) await this.tell(this.ackedEpoch).catch(() => undefined) // a hint only
    }
  }

  /** One after the other: an ack must not be overtaken by an older sign of life. */
  private tell(ackedEpoch: number): Promise<void> {
    const { control, clock, id, origin } = this.options
    const put = () => control.putClient({ id, ackedEpoch, seenMs: clock.wallMs(), origin })
    this.telling = this.telling.then(put, put)
    return this.telling
  }
}
