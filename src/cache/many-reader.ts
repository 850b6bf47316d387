/** Reading many keys: one request a node, one call of the loader for all that is missing. */
import type { CacheCore } from './core.js'
import type { Flight } from './flight.js'
import { type Loads, leaseMs, type Read } from './loads.js'
import type { Loader, ManyLoader } from './options.js'
import type { L2Found } from './ports.js'
import { again, elsewhere, type Reader } from './reader.js'
import { freshToken } from './token.js'

/** A key on its way, and how its flight is to be ended. */
interface Wanted<V> {
  readonly key: string
  readonly whole: Buffer
  readonly flight: Flight<Read<V>>
  end(read: Promise<Read<V>>): void
}

export class ManyReader<V> {
  constructor(
    private readonly core: CacheCore<V>,
    private readonly reader: Reader<V>,
    private readonly loads: Loads<V>,
  ) {}

  async get(keys: readonly string[], load: ManyLoader<V> | undefined): Promise<Map<string, V>> {
    const loader = load ? batched(load) : this.core.settings.load
    const reads: Promise<readonly [string, Read<V>]>[] = []
    const found = new Map<string, V>()
    const wanted: Wanted<V>[] = []
    const take = (key: string, read: Read<V>) => {
      if (read !== null && read !== undefined) found.set(key, read)
    }
    for (const key of new Set(keys)) {
      const here = this.reader.fromL1(key, loader)
      const read = here === elsewhere ? (this.reader.join(key, loader) ?? this.want(key, wanted)) : here
      if (read instanceof Promise) reads.push(read.then((value) => [key, value]))
      else take(key, read)
    }
    const [all] = await Promise.all([Promise.all(reads), this.fetch(wanted, loader, load)])
    for (const [key, read] of all) take(key, read)
    return found
  }

  private want(key: string, wanted: Wanted<V>[]): Promise<Read<V>> {
    return this.reader.launch(
      key,
      (flight) =>
        new Promise((end) => {
          wanted.push({ key, flight, end, whole: this.core.wholeKey(key) })
        }),
    )
  }

  private async fetch(
    wanted: readonly Wanted<V>[],
    loader: Loader<V> | undefined,
    load: ManyLoader<V> | undefined,
  ): Promise<void> {
    const { l2 } = this.core
    if (wanted.length === 0) return
    // what a node still holds and should not is read one by one, past it
    const late = l2 ? wanted.filter(({ whole }) => this.core.late.has({ key: whole })) : []
    for (const { key, flight, end } of late) end(this.reader.fetch(key, flight, loader))
    if (late.length > 0)
      return this.fetch(
        wanted.filter((each) => !late.includes(each)),
        loader,
        load,
      )
    const token = freshToken()
    const founds = l2 ? await this.ask(wanted, { token, leaseMs: loader ? leaseMs : 0 }) : []
    const isLoaded = (found: L2Found | undefined) => found === undefined || found.kind === 'leased'
    // those that are known to be missing share one call of the loader
    const missing = wanted.filter((_, index) => isLoaded(founds[index])).map(({ key }) => key)
    const shared = load && missing.length > 0 ? sharing(load, missing) : loader
    for (const [index, each] of wanted.entries())
      each.end(this.endOf(each, founds[index], { token, loader, shared }))
  }

  private async endOf(
    { key, flight }: Wanted<V>,
    found: L2Found | undefined,
    how: {
      readonly token: string
      readonly loader: Loader<V> | undefined
      readonly shared: Loader<V> | undefined
    },
  ): Promise<Read<V>> {
    const { token, loader, shared } = how
    if (!found) {
      if (this.core.l2) return this.reader.detour(key, flight, shared)
      return this.reader.miss(await this.loads.loadHere(key, flight, shared))
    }
    if (found.kind === 'leased' && shared) {
      const lease = { token, vouch: found.vouch, load: shared }
      return this.reader.miss(await this.loads.loadAndFill(key, flight, lease))
    }
    if (found.kind === 'value') {
      const read = await this.reader.takeStored(key, flight, found, loader)
      if (read !== again) return read
    }
    return this.reader.fetch(key, flight, loader, { isTold: found.kind !== 'absent' })
  }

  /** One request a node; undefined: its node does not answer. */
  private async ask(
    wanted: readonly Wanted<V>[],
    lease: { readonly token: string; readonly leaseMs: number },
  ): Promise<(L2Found | undefined)[]> {
    const l2 = this.core.l2!
    const founds: (L2Found | undefined)[] = new Array(wanted.length)
    await Promise.all(
      l2.groupByOwner(wanted.map(({ whole }) => whole)).map(async (indexes) => {
        const keys = indexes.map((index) => wanted[index]!.whole)
        const node = l2.ownerOf(keys[0]!)
        if (!l2.isUp(node)) return
        try {
          // one that L1 may hold has all of them told of: another request would cost more
          const isTold = indexes.some((index) => this.core.mayKeep(wanted[index]!.key))
          const replies = await this.loads.ask(keys, { ...lease, isTold })
          indexes.forEach((index, at) => {
            founds[index] = replies[at]
          })
        } catch (error) {
          this.core.failed(error)
        }
      }),
    )
    return founds
  }
}

function batched<V>(load: ManyLoader<V>): Loader<V> {
  return async (key, { signal }) => (await load([key], { signal })).get(key)
}

function sharing<V>(load: ManyLoader<V>, missing: readonly string[]): Loader<V> {
  let values: Promise<ReadonlyMap<string, V>> | undefined
  return async (key, { signal }) => {
    values ??= Promise.resolve(load(missing, { signal }))
    return (await values).get(key)
  }
}
