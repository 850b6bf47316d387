/** Bursts under the watchdog's eyes: a connection that is not read in time is ended from outside. */
import type { Clock } from '../../clock.js'
import { stopped } from '../../errors.js'
import { mostOverdueMs, overdueMs } from '../../hotkeys/burst-schedule.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { BurstLimits, BurstSource } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import { nodeName } from '../socket.js'
import type { Watchdog } from './watchdog.js'

export interface WatchedSource extends BurstSource {
  /** Before a node's first burst. */
  expect(facts: NodeFacts): void
}

export const mostKillsInARow = 10
/** A run that stood still while it was answered must not take that for the node's pace. */
const longestAnswerMs = 250

export class BurstGuard {
  private killsInARow = 0
  private killsSeen = 0
  private readonly answerMs = new Map<string, number>()

  constructor(
    private readonly watchdog: Watchdog,
    private readonly clock: Clock,
  ) {}

  /** Notes how long the node takes to answer, be it far away or busy: bursts are longer by that. */
  async timed<T>(node: string, answer: Promise<T>): Promise<T> {
    const startedMs = this.clock.nowMs()
    const answered = await answer
    const tookMs = Math.min(longestAnswerMs, this.clock.nowMs() - startedMs)
    this.answerMs.set(node, Math.max(tookMs, (this.answerMs.get(node) ?? 0) / 2))
    return answered
  }

  /** Runs `burst` on the connection that its node calls `client`. Errors: `stopped`, and those of `burst`. */
  async run<T>(
    access: NodeAccess,
    { facts, limits, client }: { facts: NodeFacts; limits: BurstLimits; client: number },
    burst: () => Promise<T>,
  ): Promise<T> {
    if (this.killsInARow >= mostKillsInARow) throw tooSlow(access)
    // a node that has become slower since it was looked at needs longer for as many lines
    const patience = 2 ** this.killsInARow
    const answerMs = this.answerMs.get(facts.node) ?? 0
    const ms = Math.min(overdueMs(facts, limits, answerMs) * patience, mostOverdueMs(limits, answerMs))
    await this.watchdog.ready
    this.watchdog.arm(facts.node, client, ms)
    try {
      return await burst()
    } finally {
      this.watchdog.disarm(facts.node)
      const { killCount } = this.watchdog
      this.killsInARow = killCount > this.killsSeen ? this.killsInARow + 1 : 0
      this.killsSeen = killCount
    }
  }
}

function tooSlow({ node }: NodeAccess): Error {
  return stopped(
    `node ${nodeName(node)}: ${mostKillsInARow} bursts in a row were not read in time and had to be ended from outside`,
    'This machine is too busy, or the way to the node too slow: run it from another one.',
  )
}
