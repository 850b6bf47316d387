/**
 * How much the agents' clocks differ from the coordinator's: it asks over the board, each answers with its time, and the
 * answer was given between the question and its arrival (Cristian, "Probabilistic clock synchronization", 1989). The best
 * of some rounds counts. It needs no clock of the store, and tells by how much it may be wrong.
 */
import type { Clock } from '../../clock.js'
import type { Said } from './messages.js'

export interface ClockReading {
  /** The agent's wall clock minus ours. */
  readonly offsetMs: number
  readonly errorMs: number
}

export interface ClockRounds {
  readonly clock: Clock
  readonly members: readonly string[]
  /** Puts the question up. */
  ask(ping: number): Promise<void>
  /** Looks at the board. */
  look(): Promise<void>
  said(id: string): Said | undefined
  /** There is no need to wait for it. */
  isGone(id: string): boolean
  readonly signal: AbortSignal
}

const rounds = 4
const roundMs = 1_000
const pollMs = 5
/** Wall clocks tell whole milliseconds. */
const resolutionMs = 1

/** Members that did not answer are not in it. `firstPing`: larger than any that was asked before. */
export async function readClocks(
  firstPing: number,
  options: ClockRounds,
): Promise<Map<string, ClockReading>> {
  const { clock, members, signal } = options
  const best = new Map<string, ClockReading>()
  for (let ping = firstPing; ping < firstPing + rounds && !signal.aborted; ping++) {
    const waiting = new Set(members)
    const startMs = clock.nowMs()
    const askedMs = clock.wallMs()
    await options.ask(ping)
    while (waiting.size > 0 && clock.nowMs() - startMs < roundMs && !signal.aborted) {
      await options.look()
      const answeredMs = clock.wallMs()
      for (const id of waiting) {
        const said = options.said(id)
        if (options.isGone(id)) waiting.delete(id)
        if (said?.ping !== ping) continue
        waiting.delete(id)
        const reading = {
          offsetMs: said.pingMs - (askedMs + answeredMs) / 2,
          errorMs: Math.max(0, answeredMs - askedMs) / 2 + resolutionMs,
        }
        if (reading.errorMs < (best.get(id)?.errorMs ?? Number.POSITIVE_INFINITY)) best.set(id, reading)
      }
      if (waiting.size > 0) await clock.sleep(pollMs)
    }
  }
  return best
}
