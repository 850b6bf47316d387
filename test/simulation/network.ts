/**
 * Connections between actors and simulated nodes. Each way is in order and takes its time; a connection may be lost at
 * any moment, and what was sent on it may still arrive much later, unless the server has ended it.
 */
import { unreachable } from '../../src/errors.js'
import type { NodeAccess } from '../../src/operations/ports.js'
import { type Command, type Reply, ReplyError } from '../../src/redis/resp.js'
import {
  assertHandshake,
  type CommandOf,
  callOver,
  handshake,
  type OpenConnection,
  type RespConnection,
} from '../../src/redis/resp-connection.js'
import type { FakeNode, Session } from './node.js'
import { type Actor, heavyTail, type World } from './world.js'

export interface NetworkOptions {
  readonly latencyMs: number
  /** Of each pipeline, while faults strike. */
  readonly lossProbability: number
  /** Of each pipeline, also in calm: it comes late, and is not lost. */
  readonly hiccupProbability: number
  /** Faults strike until then. */
  readonly calmAtMs: number
  /** How late a command of a lost connection may arrive. */
  readonly latestMs: number
}

export class Network {
  private readonly links = new Map<Actor, Set<Link>>()

  constructor(
    readonly world: World,
    readonly nodes: ReadonlyMap<string, FakeNode>,
    readonly options: NetworkOptions,
  ) {}

  /** `idleTimeoutMs` holds where the caller has none. */
  openFor(actor: Actor, idleTimeoutMs: number): OpenConnection {
    return async (access, options = {}) => {
      const node = this.nodes.get(access.node.id)!
      const link = new Link(this, {
        actor,
        access,
        node,
        idleTimeoutMs: options.idleTimeoutMs ?? idleTimeoutMs,
      })
      const links = this.links.get(actor) ?? new Set()
      this.links.set(actor, links.add(link))
      await link.connected()
      try {
        assertHandshake(access, await link.send(handshake(access, options.clientName)))
      } catch (error) {
        link.close()
        throw error
      }
      return link
    }
  }

  /** The process dies: its host ends the connections, or, where that is gone too, nobody does. */
  die(actor: Actor): void {
    actor.isAlive = false
    const isHostGone = this.world.chance(0.3)
    for (const link of this.links.get(actor) ?? []) link.abandon(isHostGone)
  }

  /** `slowness`: of one connection. */
  latency(slowness = 1): number {
    return heavyTail(this.world, this.options.latencyMs * slowness, 100)
  }

  isCalm(): boolean {
    return this.world.nowMs >= this.options.calmAtMs
  }
}

/** Longer than anything is late. */
const keepAliveMs = 6_000

interface Waiter {
  readonly count: number
  readonly replies: Reply[]
  resolve(replies: Reply[]): void
  reject(error: unknown): void
}

interface LinkOptions {
  readonly actor: Actor
  readonly access: NodeAccess
  readonly node: FakeNode
  readonly idleTimeoutMs: number
}

type Arrival = readonly Command[] | 'accept' | 'close'

class Link implements RespConnection {
  readonly access: NodeAccess
  private closed: Error | undefined
  private readonly waiters: Waiter[] = []
  /** On their way to the server, in order; each has an event of its own. */
  private readonly inbox: Arrival[] = []
  private readonly outbox: Reply[][] = []
  private session: Session | undefined
  private isEndedByServer = false
  private arrivesMs = 0
  private answersMs = 0
  private heardMs = 0
  private isTimerSet = false
  /** What is on its way stays there until then. */
  private heldUntilMs = 0
  private readonly slowness: number

  constructor(
    private readonly network: Network,
    private readonly options: LinkOptions,
  ) {
    this.access = options.access
    this.slowness = network.world.pick([0.2, 1, 1, 10])
    this.post('accept', 0)
  }

  get isLost(): boolean {
    return this.closed !== undefined
  }

  /** The kernel of a node answers also while the server stands still. */
  connected(): Promise<void> {
    const { world } = this.network
    return new Promise((resolve, reject) => {
      world.schedule(this.network.latency(this.slowness) * 2, this.options.actor, () => {
        if (this.closed) reject(this.closed)
        else resolve()
      })
    })
  }

  send(commands: readonly Command[]): Promise<Reply[]> {
    if (this.closed) return Promise.reject(this.closed)
    if (commands.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      if (this.waiters.length === 0) this.heardMs = this.network.world.nowMs
      this.waiters.push({ replies: [], count: commands.length, resolve, reject })
      this.setTimer()
      this.post(commands, this.strike())
    })
  }

  call(...command: CommandOf): Promise<Exclude<Reply, ReplyError>> {
    return callOver(this, command)
  }

  close(): void {
    this.lose('the connection was closed by us')
  }

  /** Its process has died. */
  abandon(isHostGone: boolean): void {
    if (this.closed) return
    this.closed = new Error('its process has died')
    const { world, options } = this.network
    if (!this.network.isCalm() && world.chance(0.5))
      this.heldUntilMs = world.nowMs + world.between(0, options.latestMs)
    this.tellServer(!isHostGone)
  }

  /** Whether and how this pipeline's connection is lost; how much later it arrives then. */
  private strike(): number {
    const { network } = this
    const { world, options } = network
    if (world.chance(options.hiccupProbability)) return world.between(1, 120)
    if (network.isCalm()) return 0
    if (!world.chance(options.lossProbability)) return 0
    world.saw('lost connection')
    const lateMs = world.chance(0.5) ? world.between(0, 50) : world.between(50, options.latestMs)
    const soonMs = world.between(0, 4 * options.latencyMs)
    switch (world.random.below(4)) {
      case 0: // nobody notices but by waiting
        return lateMs
      case 1: // the client hears of it, the server does not
        world.schedule(soonMs, this.options.actor, () => this.lose('connection reset'))
        return lateMs
      case 2: // in time for the server, and the reply is lost
        world.schedule(soonMs, this.options.actor, () => this.lose('connection reset'))
        return 0
      default: // both ends hear of it, and what was on its way is gone
        world.schedule(soonMs, this.options.actor, () => this.lose('connection reset'))
        world.schedule(0, undefined, () => this.endAtServer())
        return 0
    }
  }

  private post(arrival: Arrival, lateMs: number): void {
    const { world } = this.network
    this.inbox.push(arrival)
    this.arrivesMs = Math.max(this.arrivesMs, world.nowMs + this.network.latency(this.slowness) + lateMs)
    world.schedule(this.arrivesMs - world.nowMs, undefined, () => this.arrive())
  }

  private arrive(): void {
    const { node } = this.options
    const { world } = this.network
    if (this.isEndedByServer) return
    const waitMs = Math.max(node.stalledUntilMs, this.heldUntilMs) - world.nowMs
    if (waitMs > 0) {
      world.schedule(waitMs, undefined, () => this.arrive())
      return
    }
    const arrival = this.inbox.shift()!
    if (arrival === 'accept') this.session = node.connect(() => this.killed())
    else if (arrival === 'close') this.endAtServer()
    else this.execute(arrival)
  }

  private execute(commands: readonly Command[]): void {
    const { world } = this.network
    const { node, actor } = this.options
    // others may come between the commands of one pipeline
    const count = world.chance(0.2) ? 1 + world.random.below(commands.length) : commands.length
    const replies: Reply[] = []
    for (const command of commands.slice(0, count)) {
      // it may be its own end
      if (this.isEndedByServer) break
      const reply = node.execute(this.session!, command)
      replies.push(reply)
      world.note(() => `${node.id} ${actor.name}#${this.session?.id}: ${show([...command])} → ${show(reply)}`)
    }
    if (count < commands.length) {
      this.inbox.unshift(commands.slice(count))
      world.schedule(world.between(0, 0.2), undefined, () => this.arrive())
    }
    this.outbox.push(replies)
    this.answersMs = Math.max(this.answersMs, world.nowMs + this.network.latency(this.slowness))
    world.schedule(this.answersMs - world.nowMs, actor, () => this.answer())
  }

  private answer(): void {
    const replies = this.outbox.shift()!
    if (this.closed) return
    this.heardMs = this.network.world.nowMs
    for (const reply of replies) {
      const waiter = this.waiters[0]!
      waiter.replies.push(reply)
      if (waiter.replies.length < waiter.count) continue
      this.waiters.shift()
      waiter.resolve(waiter.replies)
    }
  }

  /** CLIENT KILL: what was not executed never is, and its client hears of it. */
  private killed(): void {
    this.isEndedByServer = true
    this.network.world.schedule(this.network.latency(this.slowness), this.options.actor, () =>
      this.lose('the connection was closed'),
    )
  }

  private endAtServer(): void {
    this.isEndedByServer = true
    if (this.session) this.options.node.disconnect(this.session)
  }

  private lose(why: string): void {
    if (this.closed) return
    const { world } = this.network
    const { actor, node } = this.options
    const error = unreachable(`node ${node.id}: ${why}`)
    this.closed = error
    world.note(() => `${node.id} ${actor.name}#${this.session?.id ?? '-'}: ${why}`)
    this.tellServer(this.network.isCalm() || world.chance(0.8))
    for (const waiter of this.waiters.splice(0)) waiter.reject(error)
  }

  /** A server that hears nothing of a connection's end keeps it for a while. */
  private tellServer(isHeard: boolean): void {
    if (this.isEndedByServer) return
    if (isHeard) this.post('close', 0)
    else this.network.world.schedule(keepAliveMs, undefined, () => this.endAtServer())
  }

  private setTimer(): void {
    if (this.isTimerSet) return
    const { world } = this.network
    const { actor, idleTimeoutMs } = this.options
    this.isTimerSet = true
    world.schedule(this.heardMs + idleTimeoutMs - world.nowMs, actor, () => {
      this.isTimerSet = false
      if (this.closed || this.waiters.length === 0) return
      if (world.nowMs >= this.heardMs + idleTimeoutMs) this.lose(`no reply for ${idleTimeoutMs} ms`)
      else this.setTimer()
    })
  }
}

export function show(value: Reply | Command): string {
  if (Array.isArray(value)) return `[${value.map((each) => show(each as Reply)).join(' ')}]`
  if (value instanceof ReplyError) return `-${value.message}`
  const text =
    typeof value === 'object' && value !== null
      ? Buffer.from(value as Buffer).toString('latin1')
      : String(value)
  return text.length > 60 ? `${text.slice(0, 57).replaceAll('\n', ' ')}…` : text
}
