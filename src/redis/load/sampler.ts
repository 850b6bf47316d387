/** Looks at the threads' shared memory once a second and writes the run's course from the differences. */
import type { Clock } from '../../clock.js'
import { histogramLength, quantileUnits, slotEnd, unitsPerMs } from '../../measure/latency-histogram.js'
import { blankNodeSeries, blankSeries, type Series, type SeriesColumns } from '../../measure/series.js'
import type { LoadInterval } from '../../operations/ports.js'
import { cumulativeRate } from '../../workload/arrivals.js'
import type { PhaseSpec } from '../../workload/workload.js'
import { cellIndex, cellStart, type LoadMemory, outcome } from './memory.js'
import type { NodeWatch } from './node-watch.js'
import type { WarmupSecond } from './warm-up.js'

const intervalMs = 1_000
/** A timer may be this early. */
const earlyMs = 5
/** A last interval shorter than this tells nothing. */
const shortestMs = 100

export interface SamplerOptions {
  readonly memories: readonly LoadMemory[]
  readonly nodeIds: readonly string[]
  readonly phases: readonly PhaseSpec[]
  /** Of the rate, that this process sends. */
  readonly share: number
  readonly clock: Clock
  readonly watch: NodeWatch | undefined
  onInterval?(interval: LoadInterval): void
}

export class Sampler {
  private readonly columns: SeriesColumns
  private readonly warmupSeconds: WarmupSecond[] = []
  private startMs = 0
  private phaseStartMs = 0
  private lastMs = 0
  /** Seconds have a grid, so that those of several generators go together after an hour too. */
  private dueMs = 0
  private phase = -1
  private isWarmingUp = false
  private before: Snapshot

  constructor(private readonly options: SamplerOptions) {
    this.columns = blankSeries()
    for (const id of options.nodeIds) this.columns.nodes[id] = blankNodeSeries()
    this.before = takeSnapshot(options, [])
  }

  get series(): Series {
    return this.columns
  }

  /** The warm-up begins; its seconds so far, for who wants to know whether it is over. */
  warmUp(): readonly WarmupSecond[] {
    this.isWarmingUp = true
    this.lastMs = this.options.clock.nowMs()
    this.dueMs = this.lastMs + intervalMs
    return this.warmupSeconds
  }

  /** Until the next look is due. */
  untilNextMs(): number {
    return this.dueMs - this.options.clock.nowMs()
  }

  /** A measured phase begins. */
  enter(phase: number): void {
    const nowMs = this.options.clock.nowMs()
    if (this.phase >= 0) this.take(nowMs)
    else {
      this.startMs = nowMs
      // of nothing: the threads may have answered requests of the phase already
      this.before = takeSnapshot(this.options, [])
    }
    this.isWarmingUp = false
    this.phase = phase
    this.phaseStartMs = nowMs
    this.lastMs = nowMs
    this.dueMs = nowMs + intervalMs
  }

  tick(): void {
    const nowMs = this.options.clock.nowMs()
    if (nowMs < this.dueMs - earlyMs) return
    // a look that comes very late takes the place of the next one
    this.dueMs += intervalMs * (1 + Math.max(0, Math.floor((nowMs - this.dueMs) / intervalMs)))
    if (this.isWarmingUp) this.takeWarmup(nowMs)
    else this.take(nowMs)
  }

  end(): void {
    if (this.phase >= 0) this.take(this.options.clock.nowMs())
  }

  private measured(): number[] {
    return this.options.phases.map((_, phase) => phase + 1)
  }

  private take(nowMs: number): void {
    const { options, columns, lastMs, before } = this
    const now = takeSnapshot(options, this.measured())
    const answered = differenceOf(now.all, before.all, now.difference)
    const isLate = nowMs - lastMs < shortestMs
    if (answered === 0 && isLate) return
    this.before = now
    this.lastMs = nowMs
    const { rate, durationMs } = options.phases[this.phase]!
    const expected = rate.kind === 'open' ? cumulativeRate(rate, durationMs) : undefined
    const at = (quantile: number) =>
      answered === 0 ? 0 : quantileUnits(now.difference, answered, quantile) / unitsPerMs
    columns.atSec.push((nowMs - this.startMs) / 1000)
    columns.phase.push(this.phase)
    columns.offered.push(
      expected
        ? options.share *
            (expected.expectedAt(nowMs - this.phaseStartMs) - expected.expectedAt(lastMs - this.phaseStartMs))
        : 0,
    )
    columns.answered.push(answered)
    columns.p50Ms.push(at(0.5))
    columns.p99Ms.push(at(0.99))
    columns.p999Ms.push(at(0.999))
    columns.maxMs.push(lastOf(now.difference) / unitsPerMs)
    columns.hits.push(now.hits - before.hits)
    columns.misses.push(now.misses - before.misses)
    columns.errors.push(now.errors - before.errors)
    for (const [node, id] of options.nodeIds.entries()) this.takeNode(id, node, now, before)
    if (!options.onInterval) return
    const since = (counts: Float64Array, then: Float64Array) => {
      const difference = new Float64Array(histogramLength)
      differenceOf(counts, then, difference)
      return difference
    }
    options.onInterval({
      startSec: (lastMs - this.startMs) / 1000,
      seconds: (nowMs - lastMs) / 1000,
      histograms: now.ops.map((counts, op) => since(counts, before.ops[op]!)),
      nodeHistograms: now.nodes.map(({ counts }, node) => since(counts, before.nodes[node]!.counts)),
    })
  }

  private takeNode(id: string, node: number, now: Snapshot, before: Snapshot): void {
    const column = this.columns.nodes[id]!
    const [mine, then] = [now.nodes[node]!, before.nodes[node]!]
    const count = differenceOf(mine.counts, then.counts, now.difference)
    column.answered.push(count)
    column.hits.push(mine.hits - then.hits)
    column.misses.push(mine.misses - then.misses)
    column.errors.push(mine.errors - then.errors)
    column.p99Ms.push(count === 0 ? 0 : quantileUnits(now.difference, count, 0.99) / unitsPerMs)
    const said = this.options.watch?.since(node)
    column.usedMemoryBytes.push(said?.usedMemoryBytes ?? null)
    column.evicted.push(said?.evicted ?? null)
    column.cpuShare.push(said?.cpuShare ?? null)
  }

  private takeWarmup(nowMs: number): void {
    const now = takeSnapshot(this.options, [0])
    const answered = differenceOf(now.all, this.before.all, now.difference)
    const { hits, misses } = now
    const reads = hits + misses - this.before.hits - this.before.misses
    this.warmupSeconds.push({
      answeredPerSec: (answered * 1000) / (nowMs - this.lastMs),
      p99Ms: answered === 0 ? 0 : quantileUnits(now.difference, answered, 0.99) / unitsPerMs,
      hitRatio: reads === 0 ? null : (hits - this.before.hits) / reads,
    })
    this.before = now
    this.lastMs = nowMs
  }
}

interface Snapshot {
  readonly all: Float64Array
  readonly ops: readonly Float64Array[]
  readonly nodes: readonly { counts: Float64Array; hits: number; misses: number; errors: number }[]
  readonly hits: number
  readonly misses: number
  readonly errors: number
  /** Room for a difference of two histograms. */
  readonly difference: Float64Array
}

/** The main latency of these phases: response time in an open loop. */
function takeSnapshot({ memories }: SamplerOptions, phases: readonly number[]): Snapshot {
  const { shape } = memories[0]!
  const blankCounts = () => new Float64Array(histogramLength)
  const all = blankCounts()
  const ops = Array.from({ length: shape.ops }, blankCounts)
  const nodes = Array.from({ length: shape.nodes }, () => ({
    counts: blankCounts(),
    hits: 0,
    misses: 0,
    errors: 0,
  }))
  const offset = shape.open ? histogramLength : 0
  for (const { latencies, outcomes } of memories) {
    for (const phase of phases) {
      for (let node = 0; node < shape.nodes; node++) {
        const mine = nodes[node]!
        for (let op = 0; op < shape.ops; op++) {
          const start = cellStart(shape, phase, node, op) + offset
          for (let slot = 0; slot < histogramLength; slot++) {
            const count = latencies[start + slot]!
            if (count === 0) continue
            all[slot]! += count
            ops[op]![slot]! += count
            mine.counts[slot]! += count
          }
          const at = cellIndex(shape, phase, node, op) * outcome.count
          mine.hits += outcomes[at + outcome.hits]!
          mine.misses += outcomes[at + outcome.misses]!
          mine.errors += outcomes[at + outcome.errors]!
        }
      }
    }
  }
  const total = (of: 'hits' | 'misses' | 'errors') => nodes.reduce((sum, node) => sum + node[of], 0)
  return {
    all,
    ops,
    nodes,
    hits: total('hits'),
    misses: total('misses'),
    errors: total('errors'),
    difference: blankCounts(),
  }
}

/** Writes now - before; the sum. */
function differenceOf(now: Float64Array, before: Float64Array, into: Float64Array): number {
  let sum = 0
  for (let slot = 0; slot < histogramLength; slot++) {
    into[slot] = now[slot]! - before[slot]!
    sum += into[slot]!
  }
  return sum
}

function lastOf(counts: Float64Array): number {
  for (let slot = histogramLength - 1; slot >= 0; slot--) if (counts[slot]! > 0) return slotEnd(slot)
  return 0
}
