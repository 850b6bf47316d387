/** Writes what one thread sees into its shared memory. */
import { histogramLength, slotOf, unitsPerMs } from '../../measure/latency-histogram.js'
import { cellIndex, cellStart, control, type LoadMemory, outcome, schedule } from './memory.js'

export class Recorder {
  answered = 0

  constructor(private readonly memory: LoadMemory) {}

  /** `dueMs` is the intended start; a closed loop has none and passes the send. */
  latency(phase: number, node: number, op: number, endMs: number, sentMs: number, dueMs: number): void {
    const { latencies, shape } = this.memory
    const start = cellStart(shape, phase, node, op)
    latencies[start + slotOf((endMs - sentMs) * unitsPerMs)]! += 1
    if (shape.open) latencies[start + histogramLength + slotOf((endMs - dueMs) * unitsPerMs)]! += 1
    this.answered += 1
  }

  /** A request that never got its reply waited at least this long. */
  waitedInVain(phase: number, node: number, op: number, waitedMs: number): void {
    const { latencies, shape } = this.memory
    if (!shape.open) return
    const start = cellStart(shape, phase, node, op) + histogramLength
    latencies[start + slotOf(Math.max(0, waitedMs) * unitsPerMs)]! += 1
  }

  outcome(phase: number, node: number, op: number, hits: number, misses: number): void {
    const at = cellIndex(this.memory.shape, phase, node, op) * outcome.count
    this.memory.outcomes[at + outcome.hits]! += hits
    this.memory.outcomes[at + outcome.misses]! += misses
  }

  error(phase: number, node: number, op: number): void {
    const at = cellIndex(this.memory.shape, phase, node, op) * outcome.count
    this.memory.outcomes[at + outcome.errors]! += 1
  }

  schedule(phase: number, what: number, amount: number): void {
    this.memory.schedule[phase * schedule.count + what]! += amount
  }

  sendLag(lagMs: number, counted: 0 | 1): void {
    this.memory.sendLag[slotOf(lagMs * unitsPerMs)]! += counted
  }

  publish(): void {
    this.memory.control[control.answered] = this.answered
  }
}
