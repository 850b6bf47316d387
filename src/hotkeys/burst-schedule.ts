/** How long a burst may be and when the next one may come, so that sampling stays within its budget. */
import type { Random } from '../random.js'
import { type CostModel, lineHeadBytes } from './cost-model.js'
import type { NodeFacts } from './node-facts.js'

export interface Budget {
  /** Of a node's main thread, in (0, 1]. */
  readonly share: number
  /** Small and rare bursts, so that few requests meet one. */
  readonly gentle: boolean
}

export interface BurstBounds {
  readonly maxLines: number
  readonly maxBytes: number
  readonly maxMs: number
}

const maxBytes = 256 * 1024
const maxBurstMicros = 5_000
const minLines = 50
const usual = { maxLines: 500, maxMs: 20, duty: 1 }
const gentle = { maxLines: 100, maxMs: 5, duty: 0.005 }

/** `bytesPerCommand`: of its arguments. */
export function burstBounds(
  budget: Budget,
  { cost, factor, bytesPerCommand }: { cost: CostModel; factor: number; bytesPerCommand: number },
): BurstBounds {
  const { maxLines, maxMs } = budget.gentle ? gentle : usual
  const micros = (cost.fixedMicros + bytesPerCommand * cost.byteMicros) * factor
  const lines = Math.max(minLines, Math.min(maxLines, Math.floor(maxBurstMicros / micros)))
  return { maxLines: lines, maxBytes, maxMs }
}

/**
 * Pause after a burst of that cost and length. `rate` in (0, 1]: the part of its budget that the node is given. The jitter
 * is not decoration: fixed steps see a periodic spike always or never.
 */
export function pauseMs(
  burst: { costMicros: number; lengthMs: number },
  { budget, rate, random }: { budget: Budget; rate: number; random: Random },
): number {
  const duty = budget.gentle ? gentle.duty : usual.duty
  const paid = Math.max(burst.costMicros / 1000 / budget.share, burst.lengthMs / duty)
  return (paid / rate) * (0.5 + random.next())
}

/** What may wait for us at a server before the connection is ended from outside. */
const tolerableBytes = 256 * 1024
const shortestGraceMs = 5
const longestGraceMs = 60

/** Its beginning and its end are asked for, and one answer may be later than those before. */
const answersOfBurst = 3

/**
 * When a burst is overdue: as long as it should take, and as long again as the server may write without being read, or as
 * it takes to hear of us. `answerMs`: how long the node took to answer lately.
 */
export function overdueMs(
  { opsPerSec, bytesPerCommand }: Pick<NodeFacts, 'opsPerSec' | 'bytesPerCommand'>,
  { maxLines, maxBytes: most, maxMs }: BurstBounds,
  answerMs: number,
): number {
  const perMs = opsPerSec / 1000
  const bytesPerMs = perMs * (bytesPerCommand + lineHeadBytes)
  // nothing a millisecond: never full, and never too much
  const expectedMs = Math.min(maxMs, maxLines / perMs, most / bytesPerMs)
  const graceMs = (2 * tolerableBytes) / bytesPerMs
  return expectedMs + Math.max(shortestGraceMs, Math.min(longestGraceMs, graceMs), answersOfBurst * answerMs)
}

/** Whatever the node does. */
export function mostOverdueMs({ maxMs }: BurstBounds, answerMs: number): number {
  return maxMs + longestGraceMs + answersOfBurst * answerMs
}

const tolerableFall = 0.05
/** A single burst is short, and its rate noise. */
const fallsInARow = 10
const smallestPart = 0.25

/** Halves a node's budget while its commands a second fall during bursts, burst after burst; never below a quarter. */
export class BackOff {
  /** Of the budget. */
  part = 1
  private falls = 0

  /** Commands a second during a burst and just before it. Returns true when it has halved. */
  add(during: number, between: number): boolean {
    this.falls = during < between * (1 - tolerableFall) ? this.falls + 1 : 0
    if (this.falls < fallsInARow || this.part <= smallestPart) return false
    this.falls = 0
    this.part /= 2
    return true
  }
}
