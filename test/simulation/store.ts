/** A control store in memory: linearizable, and as far away as any other. Its answers may be lost. */
import type { ClientRecord, ControlStore, Lease, StoredState } from '../../src/cache/ports.js'
import { refused, unreachable } from '../../src/errors.js'
import type { RingState } from '../../src/ring/epoch.js'
import { type Actor, heavyTail, type World } from './world.js'

export interface StoreOptions {
  readonly latencyMs: number
  /** Of each request, while faults strike. */
  readonly lossProbability: number
  readonly calmAtMs: number
  /** How long a watcher may not hear of a change. */
  readonly latestNewsMs: number
}

const leaseMs = 5_000

export class FakeStore {
  stored: StoredState | undefined
  readonly records = new Map<string, ClientRecord>()
  /** Watchers who are told nothing until then. */
  readonly deafUntilMs = new Map<Actor, number>()
  /** Whether the last change of the state was made by the lease's holder. */
  isHoldersWork = true
  private revision = 0
  private token = 0
  private held: { token: number; holder: string; untilMs: number } | undefined
  private readonly notices = new Map<string, string>()
  private readonly watchers = new Set<() => void>()

  constructor(
    private readonly world: World,
    private readonly options: StoreOptions,
  ) {}

  /** As one process sees it. */
  for(actor: Actor): ControlStore {
    const ask = <T>(what: string, act: () => T) => this.ask(actor, what, act)
    return {
      name: 'the simulated store',
      load: () => ask('load', () => this.stored),
      compareAndSwap: (expected, next) => ask('swap', () => this.swap(actor, expected, next)),
      watch: (signal) => this.watch(actor, signal),
      acquireLease: (holder) => ask('lease', () => this.acquire(actor, holder)),
      putClient: (client) =>
        ask('put', () => {
          this.records.set(client.id, client)
          this.world.note(() => `store ${actor.name}: acks ${client.ackedEpoch}`)
        }),
      removeClient: (id) =>
        ask('remove', () => {
          this.records.delete(id)
        }),
      clients: () => ask('clients', () => [...this.records.values()]),
      leaseHolder: () =>
        ask('holder', () =>
          this.held && this.held.untilMs > this.world.nowMs ? this.held.holder : undefined,
        ),
      putNotice: (name, text) =>
        ask('post', () => {
          if (text === undefined) this.notices.delete(name)
          else this.notices.set(name, text)
        }),
      replaceNotice: (name, expected, text) =>
        ask('post', () => {
          if (this.notices.get(name) !== expected) return false
          this.notices.set(name, text)
          return true
        }),
      notice: (name) => ask('notice', () => this.notices.get(name)),
      close: async () => {},
    }
  }

  /** Resolves soon after the state has changed: what happens then is worth most. */
  nextChange(actor: Actor, withinMs: number): Promise<void> {
    const { world } = this
    return new Promise((resolve) => {
      const wake = () => {
        this.watchers.delete(wake)
        world.schedule(world.between(0, withinMs), actor, resolve)
      }
      this.watchers.add(wake)
    })
  }

  /** A store that can tell that the holder's process has ended. */
  endLease(): void {
    this.held = undefined
  }

  private ask<T>(actor: Actor, what: string, act: () => T): Promise<T> {
    const { world, options } = this
    return new Promise((resolve, reject) => {
      const lost = () => reject(unreachable(`the simulated store does not answer: ${what}`))
      const isLost = world.nowMs < options.calmAtMs && world.chance(options.lossProbability)
      // a request that is given up may be carried out before that, afterwards, or never
      const fate = isLost ? world.random.below(3) : undefined
      if (isLost) world.saw('lost store request')
      world.schedule(this.latency() + (fate === 1 ? world.between(0, 500) : 0), undefined, () => {
        if (fate === 2) return
        try {
          const result = act()
          if (!isLost) world.schedule(this.latency(), actor, () => resolve(result))
        } catch (error) {
          if (!isLost) world.schedule(this.latency(), actor, () => reject(error))
        }
      })
      if (isLost) world.schedule(world.between(1, 100), actor, lost)
    })
  }

  private swap(actor: Actor, expected: StoredState | undefined, next: RingState): StoredState | undefined {
    if (this.stored?.revision !== expected?.revision) return undefined
    if (this.stored && next.epoch <= this.stored.state.epoch) throw new Error('the epoch did not grow')
    this.isHoldersWork = this.held?.holder === actor.name && this.held.untilMs > this.world.nowMs
    this.revision += 1
    this.stored = { revision: String(this.revision), state: next }
    this.world.note(() => `store: epoch ${next.epoch} ${next.phase}`)
    for (const wake of [...this.watchers]) wake()
    return this.stored
  }

  private async *watch(actor: Actor, signal: AbortSignal): AsyncGenerator<StoredState> {
    const { world } = this
    let seen: string | undefined
    while (!signal.aborted) {
      const stored = await this.ask(actor, 'watch', () => this.stored)
      if (stored && stored.revision !== seen) {
        seen = stored.revision
        yield stored
        continue
      }
      if (signal.aborted) return
      await new Promise<void>((resolve) => {
        const done = () => {
          this.watchers.delete(wake)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const wake = () => {
          this.watchers.delete(wake)
          world.schedule(this.newsDelay(actor), actor, done)
        }
        signal.addEventListener('abort', done, { once: true })
        // something has come between the look and this
        if (this.stored && this.stored.revision !== seen) wake()
        else this.watchers.add(wake)
      })
    }
  }

  private newsDelay(actor: Actor): number {
    const { world, options } = this
    const deafMs = (this.deafUntilMs.get(actor) ?? 0) - world.nowMs
    if (deafMs > 0) return deafMs
    if (world.nowMs < options.calmAtMs && world.chance(0.15)) return world.between(0, options.latestNewsMs)
    return this.latency()
  }

  private latency(): number {
    return heavyTail(this.world, this.options.latencyMs, 100)
  }

  private acquire(actor: Actor, holder: string): Lease {
    const { world } = this
    const isHeld = () => this.held !== undefined && this.held.untilMs > world.nowMs
    if (isHeld()) throw refused(`the lease is held by ${this.held?.holder}`)
    const token = ++this.token
    this.held = { token, holder, untilMs: world.nowMs + leaseMs }
    world.note(() => `store: lease ${token} to ${holder}`)
    return {
      token,
      renew: () =>
        this.ask(actor, 'renew', () => {
          if (this.held?.token !== token || !isHeld()) return false
          this.held.untilMs = world.nowMs + leaseMs
          return true
        }),
      release: () =>
        this.ask(actor, 'release', () => {
          if (this.held?.token === token) this.held = undefined
        }),
    }
  }
}
