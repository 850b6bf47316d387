/**
 * One process's load through the cache library: a read is `cache.get`, a write what the strategy makes of it. Each read is
 * put down to the tier that served it.
 */
import { type Clock, machineOffsetMs } from '../../../clock.js'
import { type CacheCounts, type CacheSum, cacheSums, record } from '../../../measure/cache-counts.js'
import { createRandom } from '../../../random.js'
import { buildRing } from '../../../ring/build-ring.js'
import type { RequestSource } from '../../../workload/request-source.js'
import { createSource } from '../../../workload/requests.js'
import type { StrategySpec } from '../../../workload/strategy.js'
import { createLoadKeys } from '../keys.js'
import { schedule } from '../memory.js'
import { OwnerCache } from '../owner-cache.js'
import type { PacedEngine } from '../pacer.js'
import type { LoadJob } from '../protocol.js'
import { Recorder } from '../recorder.js'
import { fillValue, stampVersion, versionAt, writeStamp } from '../values.js'
import { errorKind } from './error-kind.js'
import { KeyTexts } from './key-texts.js'
import type { LookupObserver } from './observed-l2.js'
import { type EndedRead, ReadCounts } from './read-counts.js'
import { Readings } from './readings.js'
import type { Origin } from './source-link.js'
import type { StaleReads } from './stale-reads.js'

/** The cache under load, as its wiring hands it over. */
export interface DrivenCache {
  readonly stats: Readonly<Record<CacheSum | 'l1Hits' | 'staleHits', number>>
  get(key: string): Promise<Uint8Array | undefined>
  /** To the source of truth and the cache, as the strategy does it. */
  write(key: string, value: Uint8Array): Promise<void>
  invalidate(key: string): Promise<void>
}

export interface CacheEngineOptions {
  readonly job: LoadJob
  readonly strategy: StrategySpec
  readonly run: number
  readonly origin: Origin
  readonly staleReads: StaleReads
  readonly clock: Clock
}

/** What a loader may say (cache/options.ts). */
interface LoadTelling {
  readonly stale: unknown
  ttl(ms: number): void
}

interface Started extends Pick<EndedRead, 'phase' | 'node' | 'op' | 'key'> {
  readonly dueMs: number
  readonly valueBytes: number
  readonly ttlSeconds: number
}

/** An answer this long after the end of its phase is late, and the rate was not achieved. */
const lateAfterMs = 100

export class CacheEngine implements PacedEngine, LookupObserver {
  readonly source: RequestSource
  readonly recorder: Recorder
  nowMs = 0
  lastReplyMs = 0
  readonly phaseEndMs: Float64Array
  underWay = 0
  onFree: PacedEngine['onFree'] = () => {}
  private readonly keys: KeyTexts
  private readonly owners: OwnerCache
  private readonly offsetMs = machineOffsetMs()
  private readonly reads: ReadCounts
  private readonly readings = new Readings()
  private readonly errors = new Map<string, number>()
  /** Requests under way by phase and operation, for an end without them. */
  private readonly pending: Int32Array
  private acknowledgements: number[] = []
  private cache!: DrivenCache
  private baseline: Readonly<Record<CacheSum, number>> | undefined
  private phase = 0
  private isTurnDue = false
  private isAbandoned = false

  constructor(private readonly options: CacheEngineOptions) {
    const { job, clock, run, staleReads } = options
    const { operations, memory, part } = job
    const random = createRandom(job.seed + part.index)
    const keyCount = job.keys.kind === 'numbered' ? job.keys.count : job.keys.ends.length
    const { offsetMs } = this
    this.keys = new KeyTexts(job.keys)
    this.owners = new OwnerCache(buildRing(job.topology), createLoadKeys(job.keys, ''))
    this.source = createSource(job.source, { operations, keyCount, random, part })
    this.recorder = new Recorder(memory)
    const { recorder } = this
    this.reads = new ReadCounts({ clock, offsetMs, run, memory, recorder, staleReads, verify: job.verify })
    this.phaseEndMs = new Float64Array(memory.shape.phases).fill(Number.POSITIVE_INFINITY)
    this.pending = new Int32Array(memory.shape.phases * operations.length)
  }

  get errorKinds(): Record<string, number> {
    return Object.fromEntries(this.errors)
  }

  drive(cache: DrivenCache): void {
    this.cache = cache
  }

  async connect(): Promise<void> {}
  close(): void {}
  flush(): void {}

  start(phase: number, dueMs: number): void {
    const { key, op, valueBytes, ttlSeconds } = this.source
    if (phase > 0) this.baseline ??= this.sumsNow()
    this.phase = phase
    const node = this.owners.ownerOf(key)
    void this.run({ phase, op, key, node, dueMs, valueBytes, ttlSeconds })
  }

  unsent(phase: number, waitedMs: number): void {
    const { key, op } = this.source
    this.recorder.waitedInVain(phase, this.owners.ownerOf(key), op, waitedMs)
  }

  abandon(): void {
    this.isAbandoned = this.underWay > 0
    const ops = this.options.job.operations.length
    this.pending.forEach((count, cell) => {
      const [phase, op] = [Math.floor(cell / ops), cell % ops]
      if (count > 0) this.recorder.schedule(phase, schedule.unanswered, count)
      for (let index = 0; index < count; index++)
        this.countError({ phase, node: 0, op }, 'no reply by the end of the run')
    })
  }

  /** The loader of the cache. */
  readonly load = async (text: string, telling: LoadTelling): Promise<Uint8Array> => {
    const key = this.keys.numberOf(text)
    if (telling.stale === undefined) this.readings.load(key)
    const { valueBytes, ttlSeconds } = this.readings.of(key) ?? this.source
    const version = await this.options.origin.load(key, this.phase > 0)
    if (ttlSeconds > 0) telling.ttl(ttlSeconds * 1_000)
    const value = fillValue(valueBytes)
    this.stamp(value, key, version)
    return value
  }

  /** The cache's writer to the source of truth: the value takes the version that the source gives it. */
  async writeSource(text: string, value: Uint8Array): Promise<void> {
    const key = this.keys.numberOf(text)
    this.stamp(value, key, await this.options.origin.write(key))
  }

  /** The same, of what has waited for it in a journal. */
  async flushSource(text: string, value: Uint8Array): Promise<void> {
    await this.options.origin.flush(this.keys.numberOf(text), stampVersion(value))
  }

  onLookup(...[keys, founds, tookMs]: Parameters<LookupObserver['onLookup']>): void {
    if (this.phase > 0) this.reads.lookup(tookMs)
    const { staleMs, namespace } = this.options.strategy
    founds.forEach((found, index) => {
      const isStale = staleMs > 0 && found.kind === 'value' && found.value.leftMs <= staleMs
      if (found.kind !== 'busy' && !isStale) return
      const text = keys[index]!.toString('utf8', namespace.length + 1)
      const reading = this.readings.of(this.keys.numberOf(text))
      if (!reading) return
      if (isStale) reading.isStale = true
      else reading.hasWaited = true
    })
  }

  /** Writes that were acknowledged since the last call; four numbers each. */
  takeAcknowledgements(): Float64Array {
    const taken = Float64Array.from(this.acknowledgements)
    this.acknowledgements = []
    return taken
  }

  machineMs(): number {
    return this.options.clock.nowMs() + this.offsetMs
  }

  counts(): CacheCounts {
    const { strategy, staleReads } = this.options
    const { tiers, latencies, lookups, unwaited } = this.reads
    const now = this.sumsNow()
    const before = this.baseline ?? now
    return {
      strategy: strategy.kind,
      processes: 1,
      tiers,
      unwaited,
      sums: record(cacheSums, (name) => now[name] - before[name]),
      latencies,
      lookups,
      staleAges: staleReads.ages,
      unjudged: staleReads.unjudged,
    }
  }

  /** From the start of a request to what became of it. */
  private async run(started: Started): Promise<void> {
    const { clock, job } = this.options
    const { phase, op, node, dueMs } = started
    const cell = phase * job.operations.length + op
    this.underWay += 1
    this.pending[cell]! += 1
    const startedMs = clock.nowMs()
    try {
      await this.perform(started, startedMs)
      const endedMs = clock.nowMs()
      if (!this.isAbandoned) {
        this.recorder.latency(phase, node, op, endedMs, startedMs, job.memory.shape.open ? dueMs : startedMs)
        if (endedMs > this.phaseEndMs[phase]! + lateAfterMs) this.recorder.schedule(phase, schedule.late, 1)
        this.lastReplyMs = endedMs
      }
    } catch (error) {
      if (!this.isAbandoned) this.countError(started, errorKind(error))
    }
    this.underWay -= 1
    this.pending[cell]! -= 1
    this.turnSoon()
  }

  private perform(started: Started, startedMs: number): Promise<void> {
    const { key, op } = started
    switch (this.options.job.operations[op]!.kind) {
      case 'read':
        return this.read(started, startedMs)
      case 'remove':
        return this.cache.invalidate(this.keys.of(key))
      case 'read-modify-write':
        return this.read(started, startedMs).then(() => this.write(started))
      default:
        return this.write(started)
    }
  }

  private async read(started: Started, startedMs: number): Promise<void> {
    const { cache, readings } = this
    const { key } = started
    const { l1Hits, staleHits } = cache.stats
    const asked = readings.call(key, () => cache.get(this.keys.of(key)))
    const read = { ...started, startedMs, waited: false, isMiss: false }
    // what L1 has is served, and counted, before `get` returns
    if (cache.stats.l1Hits !== l1Hits) return this.reads.ended(await asked, { ...read, tier: 'l1' })
    if (cache.stats.staleHits !== staleHits) return this.reads.ended(await asked, { ...read, tier: 'stale' })
    const { reading, isFirst } = readings.join(started)
    try {
      const value = await asked
      const { isLoading, hasWaited, isStale } = reading
      const tier = !isFirst ? 'shared' : isLoading ? 'miss' : isStale ? 'stale' : 'l2'
      this.reads.ended(value, { ...read, tier, waited: isLoading || hasWaited, isMiss: isLoading })
    } finally {
      readings.leave(reading)
    }
  }

  private async write({ key, valueBytes }: Started): Promise<void> {
    const { run, strategy, origin } = this.options
    const value = fillValue(valueBytes)
    if (strategy.kind === 'write-behind') this.stamp(value, key, await origin.nextVersion(key))
    const startedMs = this.machineMs()
    await this.cache.write(this.keys.of(key), value)
    this.acknowledgements.push(key, versionAt(value, { run, key }) ?? 0, startedMs, this.machineMs())
  }

  private stamp(value: Uint8Array, key: number, version: number): void {
    writeStamp(value, 0, { run: this.options.run, key, version }, value.length)
  }

  private sumsNow(): Record<CacheSum, number> {
    const { stats } = this.cache
    return record(cacheSums, (name) => stats[name])
  }

  /** What has ended makes room in a turn of its own: hits end before any answer of a node could be read. */
  private turnSoon(): void {
    if (this.isTurnDue) return
    this.isTurnDue = true
    setImmediate(() => {
      this.isTurnDue = false
      this.nowMs = this.options.clock.nowMs()
      this.onFree(undefined)
      this.recorder.publish()
    })
  }

  /** The warm-up's errors are not the run's. */
  private countError({ phase, node, op }: Pick<Started, 'phase' | 'node' | 'op'>, kind: string): void {
    if (phase === 0) return
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1)
    this.recorder.error(phase, node, op)
  }
}
