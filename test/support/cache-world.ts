/** Several processes, each with its cache, over one fake second tier and one source of truth; and what reads must give. */
import assert from 'node:assert/strict'
import { TieredCache } from '../../src/cache/cache.js'
import { type CacheOptions, settingsOf } from '../../src/cache/options.js'
import type { L2Port } from '../../src/cache/ports.js'
import { SplitCopies } from '../../src/cache/split-copies.js'
import { createRandom, type Random } from '../../src/random.js'
import type { Tracking } from '../../src/redis/tracked-connection.js'
import { FakeHotKeys } from './fake-hot-keys.js'
import { type Deliver, FakeFleet, type FakeFleetOptions, type FakeL2 } from './fake-l2.js'
import type { FakeNode } from './fake-node.js'
import { FakeSource, type Row } from './fake-source.js'
import { settle, VirtualTime } from './virtual-time.js'

export type RowCache = TieredCache<Row>

/** What breaks one rule of the library, made anew for each world. */
export interface Weakness {
  readonly Node?: typeof FakeNode
  port?(port: FakeL2, world: CacheWorld): L2Port
  cache?(cache: RowCache, world: CacheWorld): void
  copies?(copies: SplitCopies): void
}

export interface WorldOptions {
  readonly deliver: (time: VirtualTime) => Deliver
  readonly cache?: Partial<CacheOptions<Row>>
  readonly weakness?: Weakness
  readonly nodes?: readonly string[]
  readonly seed?: number
  /** Default: from the seed. */
  readonly random?: Random
  /** Default: of all that is read. */
  readonly tracking?: Tracking
}

export interface Process {
  readonly name: string
  readonly l2: FakeL2
  readonly hot: FakeHotKeys
  readonly cache: RowCache
  get(key: string): Promise<Row | undefined>
  /** The source is written, then the key dropped, as an application does it by hand. */
  write(key: string): Promise<Row>
  /** The library does both. */
  set(key: string): Promise<Row>
}

export const namespace = 'c'
/** However little a process has heard. */
const boundMs = 1_000

export class CacheWorld {
  readonly time = VirtualTime.install()
  readonly deliver: Deliver
  readonly fleet: FakeFleet
  readonly source: FakeSource
  readonly errors: unknown[] = []
  readonly processes: Process[] = []

  constructor(private readonly options: WorldOptions) {
    const { nodes, weakness } = options
    this.deliver = options.deliver(this.time)
    const fleet: FakeFleetOptions = {
      time: this.time,
      deliver: this.deliver,
      ...(nodes ? { nodes } : {}),
      ...(weakness?.Node ? { Node: weakness.Node } : {}),
    }
    this.fleet = new FakeFleet(fleet)
    this.source = new FakeSource(this.deliver)
  }

  start(name: string, more: Partial<CacheOptions<Row>> = {}): Process {
    const { weakness, seed = 1, tracking } = this.options
    const l2 = this.fleet.client(name, tracking)
    const hot = new FakeHotKeys()
    const owners = weakness?.port?.(l2, this) ?? l2
    const random = this.options.random ?? createRandom(seed + this.processes.length)
    const onError = (error: unknown) => this.errors.push(error)
    const settings = settingsOf<Row>({
      namespace,
      ttl: '1h',
      early: false,
      load: (key) => this.source.read(key, name),
      write: async (batch) => {
        for (const [key, row] of batch) await this.source.write(key, name, row ?? undefined)
      },
      ...this.options.cache,
      ...more,
    })
    const timeoutMs = settings.l2TimeoutMs / 2
    const split = new SplitCopies(owners, {
      ...{ hot, copies: owners, hashTag: () => undefined, random, timeoutMs, onError },
    })
    weakness?.copies?.(split)
    const cache = new TieredCache<Row>(settings, {
      ...{ l2: split, hot, clock: this.time, random },
      on: { error: onError },
    })
    weakness?.cache?.(cache, this)
    const process: Process = {
      ...{ name, l2, hot, cache },
      get: (key) => cache.get(key),
      write: async (key) => {
        const row = await this.source.write(key, name)
        await cache.invalidate(key)
        return row
      },
      set: async (key) => {
        const row = this.source.draft(key)
        await cache.set(key, row)
        return row
      },
    }
    this.processes.push(process)
    return process
  }

  /** What stands under the key on its node. */
  stored(key: string): string | undefined {
    return this.fleet.nodeOf(whole(key)).peek(whole(key))
  }

  end(): void {
    for (const { l2 } of this.processes) l2.end()
    this.time.uninstall()
  }
}

export function whole(key: string): string {
  return `${namespace}:${key}`
}

interface Promised {
  readonly version: number
  readonly atMs: number
}

/**
 * What the acknowledged writes promise to reads: one that begins when its process has been told of every change gives no
 * older version; however little it has been told, none that was outdated a second before it began.
 */
export class Promises {
  private readonly acknowledged = new Map<string, Promised[]>()
  readonly broken: string[] = []

  constructor(
    private readonly world: CacheWorld,
    /** isCalm: nothing fails, so that nobody goes past the second tier. */
    private readonly options: { readonly isCalm: boolean } = { isCalm: true },
  ) {}

  async get(process: Process, key: string): Promise<void> {
    const check = this.reading(process, key)
    check(await process.get(key))
  }

  async getMany(process: Process, keys: readonly string[]): Promise<void> {
    const checks = keys.map((key) => [key, this.reading(process, key)] as const)
    const rows = await process.cache.getMany(keys)
    for (const [key, check] of checks) check(rows.get(key))
  }

  /** `write` resolves with what it has written, when its writer may rely on it. */
  async write(key: string, write: () => Promise<Row>): Promise<void> {
    this.acknowledge(key, (await write()).version)
  }

  acknowledge(key: string, version: number): void {
    const all = this.acknowledged.get(key) ?? []
    all.push({ version, atMs: this.world.time.nowMs() })
    this.acknowledged.set(key, all)
  }

  assertKept(): void {
    assert.deepEqual(this.broken, [])
  }

  /** When all is quiet, every tier that has something has the present row. */
  async assertAgreed(keys: readonly string[], { isStoredToo = true } = {}): Promise<void> {
    await settle()
    for (const key of keys) {
      const present = this.world.source.present(key)
      const stored = isStoredToo ? this.world.stored(key) : undefined
      if (stored?.startsWith('V')) assert.ok(stored.endsWith(JSON.stringify(present)), `${key}: ${stored}`)
      for (const { cache, name } of this.world.processes) {
        const here = cache.peek(key)
        if (here !== undefined) assert.deepEqual(here, present, `${key} in ${name}`)
      }
    }
  }

  /** A read begins; the result takes what it gave. */
  private reading(process: Process, key: string): (row: Row | undefined) => void {
    const calledMs = this.world.time.nowMs()
    const isTold = this.options.isCalm && process.l2.hasHeardOf(whole(key))
    const floor = this.floor(key, isTold ? calledMs : calledMs - boundMs)
    return (row) => {
      if (row?.key === key && row.version >= floor) return
      const { name } = process
      this.broken.push(
        `${name} read ${key} at ${calledMs}, ${isTold ? '' : 'not '}told: ${row?.version}, not ${floor}`,
      )
    }
  }

  private floor(key: string, atMs: number): number {
    const known = (this.acknowledged.get(key) ?? []).filter((each) => each.atMs <= atMs)
    return Math.max(0, ...known.map(({ version }) => version))
  }
}
