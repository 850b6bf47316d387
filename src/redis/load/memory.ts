/**
 * The shared memory of one load thread: typed arrays only, laid out by phase, node and operation, so that recording is an
 * addition and threads are merged by addition. Phase 0 is the warm-up, whose figures stay out of the result.
 */
import { histogramLength } from '../../measure/latency-histogram.js'

export interface MemoryShape {
  /** The warm-up among them. */
  readonly phases: number
  readonly nodes: number
  readonly ops: number
  /** Two histograms a cell: service time, then response time. */
  readonly open: boolean
}

export interface LoadMemory {
  readonly shape: MemoryShape
  /** See `control`. */
  readonly control: Int32Array<SharedArrayBuffer>
  /** [phase][node][op][service, response] × histogramLength counts. */
  readonly latencies: Uint32Array<SharedArrayBuffer>
  /** [phase][node][op] × (hits, misses, errors). */
  readonly outcomes: Float64Array<SharedArrayBuffer>
  /** [phase] × (offered, unsent, unanswered, late, heldBackMs). */
  readonly schedule: Float64Array<SharedArrayBuffer>
  /** Open loop: send minus due. */
  readonly sendLag: Uint32Array<SharedArrayBuffer>
  /** values, wrong, stale. */
  readonly verified: Float64Array<SharedArrayBuffer>
  /** loads, duplicates, most under way. */
  readonly source: Float64Array<SharedArrayBuffer>
  /** Waiting for a place at the source of truth, then the load with that wait. */
  readonly sourceLatencies: Uint32Array<SharedArrayBuffer>
}

/**
 * Indexes into `control`: the phase the main thread wants; requests answered, for progress; the last phase whose schedule
 * this thread is through with.
 */
export const control = { phase: 0, answered: 1, through: 2 } as const
/** Values of `control[phase]`: a phase's number, or one of these. After a phase, `wait` ends a turn of it. */
export const phaseCode = { wait: -1, stop: -2, abort: -3 } as const
export const outcome = { hits: 0, misses: 1, errors: 2, count: 3 } as const
export const schedule = { offered: 0, unsent: 1, unanswered: 2, late: 3, heldBackMs: 4, count: 5 } as const
export const verified = { values: 0, wrong: 1, stale: 2, count: 3 } as const
export const source = { loads: 0, duplicates: 1, mostUnderWay: 2, count: 3 } as const

export function createMemory(shape: MemoryShape): LoadMemory {
  const { phases, nodes, ops, open } = shape
  const memory: LoadMemory = {
    shape,
    control: new Int32Array(new SharedArrayBuffer(12)),
    latencies: counts(phases * nodes * ops * (open ? 2 : 1) * histogramLength),
    outcomes: numbers(phases * nodes * ops * outcome.count),
    schedule: numbers(phases * schedule.count),
    sendLag: counts(open ? histogramLength : 0),
    verified: numbers(verified.count),
    source: numbers(source.count),
    sourceLatencies: counts(2 * histogramLength),
  }
  memory.control[control.phase] = phaseCode.wait
  memory.control[control.through] = phaseCode.wait
  return memory
}

export function cellIndex({ nodes, ops }: MemoryShape, phase: number, node: number, op: number): number {
  return (phase * nodes + node) * ops + op
}

/** Where a cell's histograms start: service time first, response time `histogramLength` further. */
export function cellStart(shape: MemoryShape, phase: number, node: number, op: number): number {
  return cellIndex(shape, phase, node, op) * (shape.open ? 2 : 1) * histogramLength
}

function counts(length: number): Uint32Array<SharedArrayBuffer> {
  return new Uint32Array(new SharedArrayBuffer(4 * length))
}

function numbers(length: number): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(8 * length))
}
