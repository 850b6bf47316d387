/** What became of one process's reads: the tier that served each, how long it took, and whether its value was right. */
import type { Clock } from '../../../clock.js'
import { type ReadTier, readTiers, record } from '../../../measure/cache-counts.js'
import { histogramLength, slotOf, unitsPerMs } from '../../../measure/latency-histogram.js'
import { type LoadMemory, verified } from '../memory.js'
import type { Recorder } from '../recorder.js'
import { createReader, versionAt } from '../values.js'
import type { StaleReads } from './stale-reads.js'

export interface EndedRead {
  readonly phase: number
  readonly node: number
  readonly op: number
  readonly key: number
  readonly startedMs: number
  readonly tier: ReadTier
  /** For a load of its own, or one that somebody else did. */
  readonly waited: boolean
  /** The value was loaded while it waited, here. */
  readonly isMiss: boolean
}

export interface ReadCountsOptions {
  readonly clock: Clock
  /** From the process's clock to the machine's. */
  readonly offsetMs: number
  readonly run: number
  readonly memory: LoadMemory
  readonly recorder: Recorder
  readonly staleReads: StaleReads
  /** Look through whole values, not at their versions only. */
  readonly verify: boolean
}

export class ReadCounts {
  readonly tiers = record(readTiers, () => 0)
  readonly latencies = record(readTiers, () => new Uint32Array(histogramLength))
  readonly lookups = new Uint32Array(histogramLength)
  unwaited = 0
  private readonly look: ReturnType<typeof createReader>

  constructor(private readonly options: ReadCountsOptions) {
    this.look = createReader(options.run)
  }

  lookup(tookMs: number): void {
    this.lookups[slotOf(tookMs * unitsPerMs)]! += 1
  }

  ended(value: Uint8Array | undefined, read: EndedRead): void {
    const { clock, recorder, staleReads, offsetMs } = this.options
    const { phase, node, op, key, tier, startedMs, isMiss } = read
    recorder.outcome(phase, node, op, isMiss ? 0 : 1, isMiss ? 1 : 0)
    if (phase === 0) return
    this.tiers[tier] += 1
    this.latencies[tier][slotOf((clock.nowMs() - startedMs) * unitsPerMs)]! += 1
    if (!read.waited) this.unwaited += 1
    const version = this.versionOf(value, key)
    if (version !== undefined) staleReads.read(key, version, startedMs + offsetMs)
  }

  /** undefined: not a value of this key and run. */
  private versionOf(value: Uint8Array | undefined, key: number): number | undefined {
    const { memory, run, verify } = this.options
    if (!verify) return value && versionAt(value, { run, key })
    memory.verified[verified.values]! += 1
    const verdict = value ? this.look(value, 0, value.length, key) : { kind: 'wrong' as const }
    if (verdict.kind === 'ours') return verdict.version
    if (verdict.kind === 'wrong') memory.verified[verified.wrong]! += 1
    return undefined
  }
}
