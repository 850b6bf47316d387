/** An application: it opens the ring, does a few things to a few keys at some times, and remembers what it saw. */
import type { ControlStore } from '../../src/cache/ports.js'
import { CachectlError } from '../../src/errors.js'
import { UnknownOutcomeError } from '../../src/redis/command-router.js'
import type { OpenConnection } from '../../src/redis/resp-connection.js'
import { RingClient, type RingClientOptions } from '../../src/redis/ring-client.js'
import type { Effect } from '../support/linearizable.js'
import type { Key } from './stage.js'
import type { Actor, World } from './world.js'

/** One operation on one key. */
export interface Seen {
  readonly key: string
  effect: Effect
  readonly called: number
  /** Infinity: its outcome is not known. */
  returned: number
  /** Milliseconds that the key lives after it. */
  readonly ttlMs?: number
}

export interface ApplicationOptions {
  readonly world: World
  readonly actor: Actor
  readonly control: ControlStore
  readonly open: OpenConnection
  readonly keys: readonly Key[]
  readonly history: Seen[]
  readonly startsMs: number
  readonly lanes: number
  readonly longestPauseMs: number
  /** Of a pause that ends when the ring changes. */
  readonly waitProbability: number
  readonly nextChange: () => Promise<void>
  readonly operations: number
}

const commandTimeoutMs = 250

/** Whoever leaves takes its name off; the others stay until `close` is called. */
export class Application {
  private ring: RingClient | undefined
  private serial = 0

  constructor(private readonly options: ApplicationOptions) {}

  async run(): Promise<void> {
    const { world, actor, startsMs, operations, lanes } = this.options
    const clock = world.clockOf(actor)
    await clock.sleep(startsMs)
    const ring = await this.openRing()
    this.ring = ring
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        for (let done = lane; done < operations; done += lanes) {
          await this.pause()
          await this.operate(ring)
        }
      }),
    )
  }

  async close(): Promise<void> {
    await this.ring?.close()
    this.ring = undefined
  }

  private async pause(): Promise<void> {
    const { world, actor, longestPauseMs, waitProbability, nextChange } = this.options
    const clock = world.clockOf(actor)
    if (world.chance(waitProbability)) await Promise.race([nextChange(), clock.sleep(300)])
    else await clock.sleep(world.between(0, longestPauseMs))
  }

  private async openRing(): Promise<RingClient> {
    const { world, actor, control, open } = this.options
    const clock = world.clockOf(actor)
    const options: RingClientOptions = {
      control,
      readAccess: async (nodes) => nodes.map((node) => ({ node })),
      clock,
      origin: actor.name,
      commandTimeoutMs,
      open,
    }
    for (;;) {
      try {
        return await RingClient.open(options)
      } catch (error) {
        if (!(error instanceof CachectlError)) throw error
        await clock.sleep(100)
      }
    }
  }

  private async operate(ring: RingClient): Promise<void> {
    const { world, keys } = this.options
    const key = world.pick(keys)
    const dice = world.random.next()
    if (dice < 0.04) return this.readMany(ring)
    if (dice < 0.08) return this.deleteMany(ring)
    if (dice < 0.36) return this.read(ring, key)
    if (dice < 0.6) return this.write(ring, key, { kind: 'del', answer: undefined })
    if (key.kind === 'counter') return this.write(ring, key, { kind: 'incr', answer: undefined })
    const value = `${this.options.actor.name}.${++this.serial};`
    if (key.kind === 'log' || dice < 0.72)
      return this.write(ring, key, { kind: 'append', more: value, answer: undefined })
    const ttlMs = key.kind === 'lease' && world.chance(0.7) ? Math.ceil(world.between(5, 400)) : undefined
    return this.write(ring, key, { kind: 'set', value }, ttlMs)
  }

  private async read(ring: RingClient, { name }: Key): Promise<void> {
    const called = this.options.world.stamp()
    const reply = await this.answerOf(() => ring.call('GET', name))
    if (reply !== undefined) this.remember(name, { kind: 'get', answer: textOf(reply) }, called)
  }

  private async readMany(ring: RingClient): Promise<void> {
    const names = this.someNames()
    const called = this.options.world.stamp()
    const reply = await this.answerOf(() => ring.call('MGET', ...names))
    if (!Array.isArray(reply)) return
    names.forEach((name, index) => {
      this.remember(name, { kind: 'get', answer: textOf(reply[index]!) }, called)
    })
  }

  private async deleteMany(ring: RingClient): Promise<void> {
    const { world, history } = this.options
    const called = world.stamp()
    const pending = this.someNames().map(
      (key): Seen => ({
        key,
        effect: { kind: 'del', answer: undefined },
        called,
        returned: Number.POSITIVE_INFINITY,
      }),
    )
    history.push(...pending)
    const reply = await this.answerOf(() => ring.call('DEL', ...pending.map(({ key }) => key)))
    if (typeof reply !== 'number') return
    for (const each of pending) {
      each.returned = world.stamp()
      // the sum tells of each key only at its ends
      if (reply === 0 || reply === pending.length)
        each.effect = { kind: 'del', answer: reply / pending.length }
    }
  }

  private async write(ring: RingClient, { name }: Key, effect: Effect, ttlMs?: number): Promise<void> {
    const { world, history } = this.options
    const seen: Seen = {
      key: name,
      effect,
      called: world.stamp(),
      returned: Number.POSITIVE_INFINITY,
      ...(ttlMs === undefined ? {} : { ttlMs }),
    }
    history.push(seen)
    try {
      const reply = await ring.call(...commandOf(name, effect, ttlMs))
      if ('answer' in effect && effect.kind !== 'get') seen.effect = { ...effect, answer: Number(reply) }
      seen.returned = world.stamp()
    } catch (error) {
      if (error instanceof UnknownOutcomeError) {
        world.saw('unknown outcome')
        return
      }
      if (!(error instanceof CachectlError)) throw error
      // the client says that it was not run
      world.saw('not run')
      history.splice(history.indexOf(seen), 1)
    }
  }

  /** undefined: there is none, which for a read means nothing. */
  private async answerOf<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act()
    } catch (error) {
      if (error instanceof CachectlError) return undefined
      throw error
    }
  }

  private remember(key: string, effect: Effect, called: number): void {
    const { world, history } = this.options
    history.push({ key, effect, called, returned: world.stamp() })
  }

  private someNames(): string[] {
    const { world, keys } = this.options
    const first = world.pick(keys)
    const second = world.pick(keys)
    return first === second ? [first.name] : [first.name, second.name]
  }
}

function commandOf(name: string, effect: Effect, ttlMs: number | undefined): [string, ...string[]] {
  switch (effect.kind) {
    case 'del':
      return ['DEL', name]
    case 'incr':
      return ['INCR', name]
    case 'append':
      return ['APPEND', name, effect.more]
    case 'set':
      return ['SET', name, effect.value, ...(ttlMs === undefined ? [] : ['PX', String(ttlMs)])]
    default:
      throw new Error(`no command for ${effect.kind}`)
  }
}

function textOf(reply: unknown): string | null {
  return reply === null ? null : String(reply)
}
