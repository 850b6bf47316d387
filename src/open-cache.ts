/** The cache for an application: the library with its ring, clock and chance wired in. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { type Cache, type CacheWorld, TieredCache } from './cache/cache.js'
import { HotDemandReporter } from './cache/hot-demand-reporter.js'
import { HotSetFollower } from './cache/hot-set-follower.js'
import type { JournalPort } from './cache/journal-port.js'
import { type CacheEvents, type CacheOptions, type CacheSettings, settingsOf } from './cache/options.js'
import type { ControlStore, HotKeysPort, L2Port } from './cache/ports.js'
import { ReplicaReads } from './cache/replica-reads.js'
import { SplitCopies } from './cache/split-copies.js'
import { createStats } from './cache/stats.js'
import { CacheTimings } from './cache/timings.js'
import { systemClock } from './clock.js'
import { createFixedStore } from './control/fixed-store.js'
import { type CachectlError, invalid, isUnreachable } from './errors.js'
import { parseNodeUrl } from './files/node-url.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import { LazyCache } from './lazy-cache.js'
import { printable } from './printable.js'
import { createRandom, freshSeed } from './random.js'
import { CacheRing } from './redis/cache-ring.js'
import { RedisJournal } from './redis/journal.js'
import type { Tracking } from './redis/tracked-connection.js'
import { defaultHash, defaultPointsPerWeight } from './ring/algorithms.js'
import type { NodeSpec, Topology } from './ring/topology.js'

/**
 * A topology file, whose ring may change while the cache works; the URL of one server, or of several that never change
 * (`redis://`, `rediss://` or `unix://`, without secrets: servers with a password stand in a topology file).
 */
export type RingSource = string | readonly string[]

export interface CreateCacheOptions<V> extends CacheOptions<V> {
  /** Where values live beside this process's memory: a `RingSource`, or a ring that several caches share. */
  readonly ring?: RingSource | CacheRing
  /**
   * Reads go to the replicas that the topology names, and may give what was there up to a second ago; it is not kept in L1.
   * Default false.
   */
  readonly replicas?: boolean
}

/**
 * A cache in front of a source of truth. It connects at its first use; `close` ends it. Errors of a call: the loader's own;
 * `CachectlError` for what is wrong with the options, now, or with the ring, at the first use.
 */
export function createCache<V>(options: CreateCacheOptions<V>): Cache<V> {
  const settings = settingsOf(options)
  const { ring, on = {}, replicas = false } = options
  const world = { clock: systemClock, random: createRandom(freshSeed()), on }
  if (ring === undefined) {
    if (settings.behind) throw invalid('behind: it needs `ring`')
    if (settings.l1?.isHotOnly) throw invalid("l1: 'hot' needs `ring`, for which hot keys are published")
    if (replicas) throw noReplicas()
    return new TieredCache(settings, { ...world, l2: undefined })
  }
  const tier = (opened: CacheRing) =>
    replicas
      ? overReplicas(opened, tierOf(opened, settings, on), { ...world, settings })
      : tierOf(opened, settings, on)
  if (ring instanceof CacheRing) return new TieredCache(settings, { ...world, ...tier(ring) })
  if (replicas && (typeof ring !== 'string' || isServerUrl(ring))) throw noReplicas()
  const counting = { stats: createStats(), timings: new CacheTimings() }
  return new LazyCache({ ...counting, namespace: settings.namespace }, async () => {
    const opened = await openCacheRing(ring, { tracking: trackingOf(settings) })
    try {
      const tiers = tier(opened)
      if (tiers.journal) await requireKeeping(tiers.journal)
      return {
        cache: new TieredCache(settings, { ...world, ...counting, ...tiers }),
        close: () => opened.close(),
      }
    } catch (error) {
      await opened.close()
      throw error
    }
  })
}

/** A cache that keeps all that it reads must be told of all; others need not burden their nodes with that. */
export function trackingOf({ l1 }: Pick<CacheSettings<never>, 'l1'>): Tracking {
  return l1 && !l1.isHotOnly ? 'all' : 'hot'
}

interface Tier {
  readonly l2: L2Port
  readonly journal: JournalPort | undefined
  readonly hot: HotKeysPort
}

/** The second tier of a cache over a ring, with its journal where it writes behind, and the ring's hot set. */
export function tierOf(
  ring: CacheRing,
  { behind, namespace, l2TimeoutMs }: Pick<CacheSettings<never>, 'behind' | 'namespace' | 'l2TimeoutMs'>,
  on: Partial<CacheEvents> = {},
): Tier {
  const { hot } = ring
  const journal = behind && new RedisJournal(ring, namespace, behind.copies)
  const l2 = new SplitCopies(journal ? journal.over() : ring, {
    ...{ hot, copies: ring, random: createRandom(freshSeed()), timeoutMs: l2TimeoutMs / 2 },
    hashTag: () => ring.ring.topology.ring.hashTag,
    onError: (error) => on.error?.(error),
  })
  return { l2, journal: journal && l2.journal(journal), hot }
}

/**
 * The same, with reads at replicas, outside the copies of split keys: what fills a copy must be read from its owner. Errors:
 * `invalid` when the ring names none now.
 */
function overReplicas(
  ring: CacheRing,
  { l2, journal, hot }: Tier,
  world: Pick<CacheWorld, 'clock' | 'random'> & {
    readonly on: Partial<CacheEvents>
    readonly settings: Pick<CacheSettings<never>, 'l2TimeoutMs' | 'l1'>
  },
): Tier {
  const { replicas } = ring
  if (!replicas.isAny) throw noReplicas()
  replicas.start()
  const { settings, ...rest } = world
  const reads = new ReplicaReads(l2, {
    ...{ ...rest, replicas, timeoutMs: settings.l2TimeoutMs },
    // a full L1 wants to be told of all that it reads, and would never see a replica
    skipsTold: trackingOf(settings) === 'hot',
  })
  return { l2: reads, journal: journal && reads.journal(journal), hot }
}

function noReplicas(): CachectlError {
  return invalid('replicas: no node of the ring has any', 'Name them in the topology: `replicas` of a node.')
}

/** Nodes that are away now are looked at before anything is put there. */
async function requireKeeping(journal: JournalPort): Promise<void> {
  for (const node of journal.nodes()) {
    await journal.requireKeeping(node).catch((error: unknown) => {
      if (!isUnreachable(error)) throw error
    })
  }
}

export interface OpenRingOptions {
  /**
   * `all` (default): its nodes remember every key that is read, and tell of it, as a cache with a full L1 needs. `hot`:
   * they remember what a cache may keep or waits for, for caches with `l1: 'hot'` or without L1. Every cache is right over
   * either.
   */
  readonly tracking?: Tracking
}

/** A ring for several caches; whoever opens it closes it. Errors: `invalid`, `unreachable`. */
export async function openCacheRing(ring: RingSource, options: OpenRingOptions = {}): Promise<CacheRing> {
  if (typeof ring === 'string' && !isServerUrl(ring)) {
    // only here: YAML and the control stores take longer to import than all the rest
    const { loadTopology } = await import('./files/topology-file.js')
    const { openControl } = await import('./open-control.js')
    const file = await loadTopology(resolve(ring), ring)
    return openRing(await openControl(file), options, file)
  }
  return openRing(createFixedStore(fixedTopology(typeof ring === 'string' ? [ring] : ring)), options)
}

function isServerUrl(ring: string): boolean {
  return /^(?:rediss?|unix):\/\//.test(ring)
}

/** The ring of a topology file as it is now, also where no control store keeps it. Errors: as above. */
export async function openPresentRing(file: TopologyFile, options: OpenRingOptions = {}): Promise<CacheRing> {
  const { openControl } = await import('./open-control.js')
  const control = await openControl(file)
  const isKept = await control.load().catch(async (error: unknown) => {
    await control.close()
    throw error
  })
  if (isKept) return openRing(control, options, file)
  await control.close()
  return openRing(createFixedStore(file.topology), options)
}

/** With its file the demand for hot keys is told where the control store is. */
async function openRing(
  control: ControlStore,
  { tracking = 'all' }: OpenRingOptions,
  file?: TopologyFile,
): Promise<CacheRing> {
  const clock = systemClock
  const hot = new HotSetFollower({ control, clock, random: createRandom(freshSeed()) })
  const ring = await CacheRing.open({
    ...{ control, clock, hot, tracking },
    origin: `pid ${process.pid} on ${hostname()}`,
    readAccess: (nodes: readonly NodeSpec[]) => readAccess(nodes, process.env),
    commandTimeoutMs,
  }).catch(async (error: unknown) => {
    await hot.stop()
    throw error
  })
  if (file) await tellDemand(ring, hot, file)
  return ring
}

async function tellDemand(ring: CacheRing, hot: HotSetFollower, file: TopologyFile): Promise<void> {
  const { controlOf, openMeeting } = await import('./open-control.js')
  const { control, folder } = controlOf(file)
  const board = await openMeeting(control, folder)
  const reporter = new HotDemandReporter(ring.ring.id, file.topology.name, {
    ...{ board, clock: systemClock },
    hits: () => hot.hits,
  })
  reporter.start()
  hot.atStop(async () => {
    await reporter.stop()
    await board.close()
  })
}

/** A node that says nothing for so long loses its connections; readers have gone on without it long before. */
const commandTimeoutMs = 1_000

function fixedTopology(urls: readonly string[]): Topology {
  const nodes = urls.map((url): NodeSpec => {
    const endpoint = parseNodeUrl(url)
    if (typeof endpoint === 'string') throw invalid(`ring: ${printable(url)}: ${endpoint}`)
    const { address, db, secure } = endpoint
    return { id: url, url, address, db, weight: 1, ...(secure ? { tls: {} } : {}) }
  })
  if (nodes.length === 0) throw invalid('ring: it names no server')
  const ring = {
    algorithm: 'ring',
    hash: defaultHash('ring'),
    pointsPerWeight: defaultPointsPerWeight('ring'),
    charSign: 'signed',
  } as const
  return { name: 'fixed', ring, nodes }
}
