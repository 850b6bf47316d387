/** The library over seams that break one rule each: a play that does not find them finds nothing. */
import { copyLifeMs, decodeCopy } from '../../src/cache/copy-body.js'
import type { L2Found, L2Lease, L2Port, Vouch } from '../../src/cache/ports.js'
import { copyPrefix } from '../../src/hotkeys/hot-set.js'
import { namespace, type RowCache, type Weakness } from './cache-world.js'
import type { FakeL2 } from './fake-l2.js'
import { type Caller, FakeNode } from './fake-node.js'

const always: Vouch = { untilMs: Number.POSITIVE_INFINITY }

export const fillsAnyway: Weakness = {
  Node: class extends FakeNode {
    override fill(...[caller, key, fill]: Parameters<FakeNode['fill']>) {
      return this.put(caller, key, fill)
    }
  },
}
export const leasesAll: Weakness = {
  Node: class extends FakeNode {
    override getOrLease(...args: Parameters<FakeNode['getOrLease']>) {
      const found = super.getOrLease(...args)
      return found.kind === 'busy' ? ({ kind: 'leased' } as const) : found
    }
  },
}
export const tellsNobody: Weakness = {
  Node: class extends FakeNode {
    protected override signal() {}
  },
}
export const comparesNoVersions: Weakness = {
  Node: class extends FakeNode {
    override update(...[caller, key, fill]: Parameters<FakeNode['update']>) {
      return this.put(caller, key, fill)
    }
  },
}
export const readsOnce: Weakness = {
  Node: class extends FakeNode {
    protected override readAgain() {}
  },
}
export const keepsUntracked: Weakness = {
  Node: class extends FakeNode {
    private isKeeping = false
    override keepLease(...args: Parameters<FakeNode['keepLease']>) {
      this.isKeeping = true
      const isKept = super.keepLease(...args)
      this.isKeeping = false
      return isKept
    }
    protected override readAgain(caller: Caller, key: string) {
      if (!this.isKeeping) super.readAgain(caller, key)
    }
  },
}
export const ageless: Weakness = {
  Node: class extends FakeNode {
    override tagVersion(...args: Parameters<FakeNode['tagVersion']>) {
      return { ...super.tagVersion(...args), ageMs: Number.POSITIVE_INFINITY }
    }
  },
}
export const believesAll: Weakness = {
  Node: class extends FakeNode {
    protected override believedSinceUs() {
      return 0
    }
  },
}
export const movesSilently: Weakness = {
  Node: class extends FakeNode {
    override hand(key: string, target: FakeNode) {
      const told = this.signal
      this.signal = () => undefined
      super.hand(key, target)
      this.signal = told
    }
  },
}

export const marksNothing: Weakness = { port: (port) => over(port, { mark: async () => undefined }) }
export const hearsNothing: Weakness = { port: (port) => over(port, { listen: () => () => undefined }) }
export const vouchesForEver: Weakness = {
  port: (port) =>
    over(port, {
      getOrLease: async (...args) =>
        (await port.getOrLease(...args)).map((found) =>
          'vouch' in found ? { ...found, vouch: always } : found,
        ),
      fill: async (...args) => ({ ...(await port.fill(...args)), vouch: always }),
    }),
}
/** Freshness by the times of day: of the fill at its node, and here. */
export const comparesClocks: Weakness = {
  port: (port, { time }) =>
    over(port, {
      getOrLease: async (...args) =>
        (await port.getOrLease(...args)).map((found): L2Found => {
          if (found.kind !== 'value') return found
          const filledMs = Number(found.value.stamp) / 1_000
          return { ...found, value: { ...found.value, leftMs: filledMs + 1_000 - time.wallMs() } }
        }),
    }),
}

export const ownWritesDirtyNothing: Weakness = {
  cache: (cache) => {
    Reflect.set(Reflect.get(cache, 'writer'), 'reader', { invalidate: () => undefined })
  },
}
export const joinsForEver: Weakness = {
  cache: (cache) => {
    const flights = Reflect.get(Reflect.get(cache, 'reader'), 'flights')
    const { start } = flights
    flights.start = (key: string) =>
      Object.defineProperty(start.call(flights, key), 'vouch', { get: () => always, set: () => undefined })
  },
}
export const forgetsTagChanges: Weakness = {
  cache: (cache) => {
    Object.defineProperty(coreOf(cache).tags, 'changes', { get: () => 0, set: () => undefined })
  },
}
export const repeatsNothing: Weakness = {
  cache: (cache) => {
    coreOf(cache).late.add = () => undefined
  },
}
export const dropsNothingLate: Weakness = {
  cache: (cache) => {
    const { late, l2 } = coreOf(cache)
    const add = late.add.bind(late)
    late.add = (subject: { key: Buffer }, telling: { isReady(): boolean }) =>
      add(subject, { isReady: () => telling.isReady(), tell: () => l2.remove([subject.key]) })
    late.has = () => false
  },
}
/** The textbook's write-through. */
export const writesBothAtOnce: Weakness = {
  cache: (cache, world) => {
    cache.set = async (key, row) => {
      const { l2 } = world.processes.find((process) => process.cache === cache)!
      const body = coreOf(cache).encode({ value: { key, version: 1 }, loadMs: 0, tags: [] }).body
      await Promise.all([
        world.source.write(key, row?.key ?? ''),
        l2.put(Buffer.from(`${namespace}:${key}`), { body, ttlMs: 60_000 }),
      ])
    }
  },
}

/** Its server never remembers what OPTIN asks for. */
export const asksUntold: Weakness = {
  port: (port) =>
    over(port, {
      getOrLease: async (keys, { isTold, ...lease }) => {
        const founds = await port.getOrLease(keys, lease)
        const vouch = isTold ? always : undefined
        return founds.map((found) => ('vouch' in found ? { ...found, vouch: found.vouch ?? vouch } : found))
      },
    }),
}
export const fillsUntold: Weakness = {
  port: (port) =>
    over(port, {
      fill: async (key, { isTold, ...fill }) => {
        const filled = await port.fill(key, fill)
        return isTold ? { ...filled, vouch: always } : filled
      },
    }),
}
/** What nobody tells of is vouched for all the same. */
export const vouchesUntold: Weakness = {
  port: (port) =>
    over(port, {
      getOrLease: async (...args) =>
        (await port.getOrLease(...args)).map((found) =>
          'vouch' in found ? { ...found, vouch: found.vouch ?? always } : found,
        ),
    }),
}
export const leavesCopies: Weakness = {
  copies: (copies) => {
    Reflect.set(copies, 'removeCopies', async () => undefined)
  },
}
export const removesCopiesFirst: Weakness = {
  copies: (copies) => {
    Reflect.set(copies, 'writing', async <T>(keys: readonly Buffer[], write: () => Promise<T>) => {
      await Reflect.get(copies, 'removeCopies').call(
        copies,
        Reflect.get(copies, 'copiesOfAll').call(copies, keys),
      )
      return write()
    })
  },
}
export const fillsCopiesAnyway: Weakness = {
  port: (port) =>
    over(port, {
      fill: (key, fill) =>
        key.toString().startsWith(copyPrefix) ? port.put(key, fill) : port.fill(key, fill),
    }),
}
export const readsOwnerFirst: Weakness = {
  copies: (copies) => {
    const { inner, options } = copies as unknown as { inner: L2Port; options: { copies: L2Port } }
    Reflect.set(copies, 'readCopy', async (copy: Buffer, key: Buffer, lease: L2Lease): Promise<L2Found> => {
      const original = (await inner.getOrLease([key], lease))[0]!
      const token = `copy ${lease.token}`
      const [there] = await options.copies.getOrLease([copy], { token, leaseMs: copyLifeMs })
      if (there?.kind === 'value') {
        const value = decodeCopy(there.value)
        if (value) return { kind: 'value', value, vouch: undefined }
      }
      if (there?.kind === 'leased') Reflect.get(copies, 'fillCopy').call(copies, copy, token, original)
      return original
    })
  },
}

export const copiesLiveLong: Weakness = {
  port: (port) =>
    over(port, {
      fill: (key, fill) =>
        port.fill(key, key.toString().startsWith(copyPrefix) ? { ...fill, ttlMs: 60_000 } : fill),
    }),
}
export const keepsUntold: Weakness = {
  port: (port) =>
    over(port, { keepLease: (key, { token, leaseMs }) => port.keepLease(key, { token, leaseMs }) }),
}
export const keepsWhatHasLeft: Weakness = {
  cache: (cache) => {
    coreOf(cache).local.take = () => []
  },
}

/** Those that interleavings by chance find too, and in which weather. */
export const foundByChance: Readonly<Record<string, Weakness & { readonly play?: 'rough' }>> = {
  'a fill asks for no lease': fillsAnyway,
  'invalidations are not told': tellsNobody,
  'invalidations are not heard': hearsNothing,
  'own writes touch nothing that is under way': ownWritesDirtyNothing,
  'a key is not read again by who has leased it': readsOnce,
  'a fill is not told of': fillsUntold,
  'copies outlive what they are copies of': leavesCopies,
}

function over(port: FakeL2, changes: Partial<L2Port>): L2Port {
  return Object.assign(Object.create(port), changes)
}

function coreOf(cache: RowCache) {
  return Reflect.get(cache, 'core')
}
