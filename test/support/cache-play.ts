/** One run of several processes under a scheduler, and what must hold of it. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isUnreachable } from '../../src/errors.js'
import { CacheWorld, type Process, Promises, type Weakness, whole } from './cache-world.js'
import type { Row } from './fake-source.js'
import { settle } from './virtual-time.js'

const processNames = ['a', 'b', 'c'] as const
const keys = ['k', 'm'] as const

const settings = fc.record({
  strict: fc.boolean(),
  sliding: fc.boolean(),
  stale: fc.constantFrom(0, 60_000),
  hasVersion: fc.boolean(),
  ttl: fc.constantFrom(3_600_000, 40),
  l1: fc.constantFrom(undefined, false as const, 'hot' as const),
  tracking: fc.constantFrom('all' as const, 'hot' as const),
  copies: fc.nat({ max: 2 }),
})
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never

interface Act {
  readonly process: number
  readonly key: (typeof keys)[number]
  readonly kind: string
  /** Of the two callers of a process, who take their turns. */
  readonly caller: number
  readonly ms: number
}

function acts(kinds: Record<string, number>, size: { min: number; max: number }, mostMs: number) {
  const act = fc.record({
    process: fc.nat({ max: processNames.length - 1 }),
    key: fc.constantFrom(...keys),
    kind: fc.oneof(
      ...Object.entries(kinds).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) })),
    ),
    caller: fc.nat({ max: 1 }),
    ms: fc.nat({ max: mostMs }),
  })
  return fc.array(act, { minLength: size.min, maxLength: size.max })
}

/** Nothing fails, and nothing takes long: reads see every write that their process has heard of. */
export function playCalm(weakness?: Weakness) {
  const kinds = { get: 6, many: 2, write: 3, set: 2, invalidate: 1, time: 1, heat: 1, cool: 1 }
  return fc.asyncProperty(
    fc.scheduler(),
    acts(kinds, { min: 3, max: 12 }, 2),
    settings,
    (scheduler, list, options) => play(scheduler, list, options, weakness),
  )
}

/** Connections and nodes fail as well: what a read gives may have been outdated for a second. */
export function playRough(weakness?: Weakness) {
  const kinds = {
    get: 8,
    many: 1,
    write: 4,
    set: 2,
    time: 4,
    foreign: 1,
    heat: 1,
    cool: 1,
    split: 1,
    unsplit: 1,
  }
  const faults = { cut: 1, silence: 1, freeze: 1, thaw: 2, save: 1, restart: 1, flush: 1, move: 1 }
  return fc.asyncProperty(
    fc.scheduler(),
    acts({ ...kinds, ...faults }, { min: 6, max: 24 }, 1_500),
    settings,
    (scheduler, list, options) => play(scheduler, list, options, weakness, true),
  )
}

async function play(
  scheduler: fc.Scheduler,
  list: readonly Act[],
  { hasVersion, l1, tracking, copies, ...options }: Settings,
  weakness: Weakness | undefined,
  isRough = false,
): Promise<void> {
  const world = new CacheWorld({
    deliver: () => (step) => scheduler.schedule(Promise.resolve(), step).then(() => undefined),
    tracking,
    cache: {
      ...options,
      ...(l1 === undefined ? {} : { l1 }),
      ...(hasVersion ? { version: ({ version }) => version } : {}),
    },
    ...(weakness ? { weakness } : {}),
  })
  try {
    const split = Object.fromEntries(keys.map((key) => [whole(key), copies]))
    for (const name of processNames) {
      const { hot } = world.start(name)
      if (copies > 0) hot.publish({ split })
    }
    await new Run(world, scheduler, isRough).play(list)
  } finally {
    world.end()
  }
}

class Run {
  private readonly promises: Promises
  private readonly saved = new Map<
    string,
    ReturnType<NonNullable<ReturnType<CacheWorld['fleet']['nodes']['get']>>['save']>
  >()

  constructor(
    private readonly world: CacheWorld,
    private readonly scheduler: fc.Scheduler,
    private readonly isRough: boolean,
  ) {
    this.promises = new Promises(world, { isCalm: !isRough })
  }

  async play(list: readonly Act[]): Promise<void> {
    const chains = new Map<string, Promise<void>>()
    for (const act of list) {
      const chain = act.kind in faults || act.kind === 'time' ? 'world' : `${act.process} ${act.caller}`
      chains.set(
        chain,
        (chains.get(chain) ?? Promise.resolve()).then(() => this.act(act)),
      )
    }
    await this.finish(Promise.all(chains.values()))
    for (const node of this.world.fleet.nodes.keys()) this.world.fleet.thaw(node)
    // late removals are told, and what nobody vouches for has ended
    await this.pass(this.isRough ? 6_000 : 100)
    this.promises.assertKept()
    await this.promises.assertAgreed(keys, { isStoredToo: !this.isRough })
    for (const { cache } of this.world.processes) {
      const rows = await this.finish(cache.getMany(keys))
      for (const key of keys) assert.deepEqual(rows.get(key), this.world.source.present(key))
    }
    assert.deepEqual(
      this.world.errors.filter((error) => !this.isRough || !isUnreachable(error)),
      [],
    )
  }

  private async act({ kind, process: index, key, ms }: Act): Promise<void> {
    const { world, promises } = this
    const process = world.processes[index]!
    const fault = faults[kind]
    if (fault) {
      await world.deliver(kind)
      fault({ world, process, key, saved: this.saved })
      return
    }
    switch (kind) {
      case 'get':
        return promises.get(process, key)
      case 'many':
        return promises.getMany(process, keys)
      case 'write':
        return this.tolerate(promises.write(key, () => process.write(key)))
      case 'set':
        return this.tolerate(promises.write(key, () => process.set(key)))
      case 'foreign':
        return promises.write(key, () => this.foreign(key))
      case 'heat':
        return process.hot.publish({ local: [whole(key)] })
      case 'cool':
        return process.hot.publish({ local: [] })
      case 'split':
        return process.hot.publish({ split: { [whole(key)]: 2 } })
      case 'unsplit':
        return process.hot.publish({ split: {} })
      case 'invalidate':
        return this.tolerate(process.cache.invalidate(key))
      default:
        await world.deliver('time')
        return world.time.pass(ms)
    }
  }

  /** By another program, which knows nothing of copies: it writes the source, and drops the key. */
  private async foreign(key: string): Promise<Row> {
    const row = await this.world.source.write(key, 'foreign')
    this.world.fleet.nodeOf(whole(key)).remove({ push: () => undefined }, whole(key))
    return row
  }

  /** A writer whose node is away is told so, and relies on nothing. */
  private async tolerate(write: Promise<void>): Promise<void> {
    await write.catch((error: unknown) => {
      if (!this.isRough || !isUnreachable(error)) throw error
    })
  }

  /** Delivers in the scheduler's order; time passes only while nothing waits for delivery. */
  private async finish<T>(promise: Promise<T>): Promise<T> {
    const { scheduler, world } = this
    let isSettled = false
    const end = () => {
      isSettled = true
    }
    promise.then(end, end)
    const untilMs = world.time.nowMs() + 60_000
    for (;;) {
      await settle()
      if (isSettled) return promise
      if (scheduler.count() > 0) await scheduler.waitNext(1)
      else await world.time.pass(this.isRough ? 10 : 1)
      assert.ok(world.time.nowMs() < untilMs, 'something hangs')
    }
  }

  private async pass(ms: number): Promise<void> {
    const untilMs = this.world.time.nowMs() + ms
    while (this.world.time.nowMs() < untilMs) {
      await settle()
      while (this.scheduler.count() > 0) {
        await this.scheduler.waitNext(1)
        await settle()
      }
      await this.world.time.pass(this.isRough ? 50 : 10)
    }
  }
}

interface Scene {
  readonly world: CacheWorld
  readonly process: Process
  readonly key: string
  readonly saved: Run['saved']
}

const faults: Readonly<Record<string, (scene: Scene) => void>> = {
  cut: ({ world, process, key }) => linkOf(world, process, key)?.lose(),
  silence: ({ world, process, key }) => {
    const link = linkOf(world, process, key)
    if (link) link.isSilent = true
  },
  freeze: ({ world, key }) => world.fleet.freeze(world.fleet.ownerOf(whole(key))),
  thaw: ({ world }) => {
    for (const node of world.fleet.nodes.keys()) world.fleet.thaw(node)
  },
  save: ({ world, saved }) => {
    for (const [id, node] of world.fleet.nodes) saved.set(id, node.save())
  },
  restart: ({ world, key, saved }) => {
    const id = world.fleet.ownerOf(whole(key))
    world.fleet.restart(id, saved.get(id))
  },
  flush: ({ world, key }) => world.fleet.nodeOf(whole(key)).flushAll(),
  move: ({ world, key }) => {
    const owner = world.fleet.ownerOf(whole(key))
    const others = [...world.fleet.nodes.keys()].filter((id) => id !== owner && !world.fleet.frozen.has(id))
    const isQuiet = [...world.fleet.links].every((link) => link.isQuiet)
    if (others[0] && isQuiet && !world.fleet.frozen.has(owner)) world.fleet.move(whole(key), others[0])
  },
}

function linkOf({ fleet }: CacheWorld, { name }: Process, key: string) {
  return fleet.linksOf({ client: name, node: fleet.ownerOf(whole(key)) })[0]
}
