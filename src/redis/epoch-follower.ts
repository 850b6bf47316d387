/**
 * Follows the control store for a ring client: one epoch is served at a time, and the next one is acked only when
 * nothing of the one before can still happen (docs/protocol.md §6, R1 to R5 and R7).
 */
import type { ControlStore, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import { createRouter, nodesOf, type Phase, type Route } from '../ring/epoch.js'
import type { NodeSpec, Topology } from '../ring/topology.js'

/** The command must be routed anew: the ring's state has moved on. */
export class StaleEpoch extends Error {}

export interface FollowerOptions {
  readonly id: string
  readonly origin: string
  readonly control: ControlStore
  readonly clock: Clock
  readonly connections: {
    /** Makes it impossible that commands of lost connections still run. Throws where a node can't be asked. */
    resolveLost(nodes: readonly NodeSpec[]): Promise<void>
    setNodes(nodes: readonly NodeSpec[]): void
  }
}

const heartbeatMs = 1_000
const watchRetryMs = 250
/** A gate rises before the state is published: that comes in a moment. */
const gateRetryMs = 5
const awayRetryMs = 50

export class EpochFollower {
  private readonly stopping = new AbortController()
  private route: (key: Uint8Array) => Route
  private underWay = 0
  private adopting: Promise<void> | undefined
  private drained: (() => void) | undefined
  private refreshing: Promise<void> | undefined
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

  get topology(): Topology {
    return this.stored.state.after
  }

  get nodes(): NodeSpec[] {
    return nodesOf(this.stored.state)
  }

  /** So many replicas of a target must have a key before it leaves its source. */
  get waitReplicas(): number {
    return this.stored.state.waitReplicas ?? 0
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

  /**
   * Throws `StaleEpoch` when the store holds a newer epoch than the one we serve, and `refused` when it holds an older
   * one: a store that was rolled back or emptied promises nothing.
   */
  async requireFresh(): Promise<void> {
    const { control } = this.options
    const latest = await control.load()
    if (latest && latest.state.epoch > this.epoch) throw new StaleEpoch()
    if (latest?.state.epoch === this.epoch) return
    throw refused(
      `control store ${printable(control.name)} holds ${latest ? `epoch ${latest.state.epoch}` : 'no ring'}, but epoch ${this.epoch} was served already`,
      'It was rolled back or emptied: no new connection is used until it is mended.',
    )
  }

  /** Adopts what the store holds now, or waits a moment; the caller is not inside `inEpoch`. */
  refresh(): Promise<void> {
    this.refreshing ??= this.readLatest().finally(() => {
      this.refreshing = undefined
    })
    return this.refreshing
  }

  private async readLatest(): Promise<void> {
    const latest = await this.options.control.load().catch(() => undefined)
    // the store or a node may be away for a moment: whoever waits for this epoch looks again until its time is up
    const isAdopted =
      latest !== undefined &&
      latest.state.epoch > this.epoch &&
      (await this.adopt(latest).then(
        () => true,
        () => false,
      ))
    if (!isAdopted) await this.options.clock.sleep(latest ? gateRetryMs : awayRetryMs)
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
    if (latest.state.epoch <= this.epoch && this.ackedEpoch >= 0) return
    // while we still serve: a node that is away must not hold up the others
    await this.options.connections.resolveLost(nodesOf(latest.state))
    while (this.adopting) await this.adopting
    if (latest.state.epoch <= this.epoch && this.ackedEpoch >= 0) return
    let done: () => void = () => {}
    this.adopting = new Promise((resolve) => {
      done = resolve
    })
    try {
      await this.quiesce()
      await this.options.connections.resolveLost(nodesOf(latest.state))
      this.options.connections.setNodes(nodesOf(latest.state))
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
      if (this.signal.aborted) return
      await this.tell(this.ackedEpoch).catch(() => undefined) // a hint only
      await this.options.connections.resolveLost(this.nodes).catch(() => undefined) // before the next ack at the latest
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
