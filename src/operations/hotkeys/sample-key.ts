/** The commands on one key, from bursts of its node alone. */
import type { Clock } from '../../clock.js'
import { pauseMs } from '../../hotkeys/burst-schedule.js'
import type { Random } from '../../random.js'
import type { BurstSource } from './ports.js'

export interface SampleKeyPorts {
  readonly source: BurstSource
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

const limits = { maxLines: 500, maxBytes: 256 * 1024, maxMs: 20 }
const budget = { share: 0.01, gentle: false }
const longestMs = 2_000
/** Enough to tell 10 % from 20 %. */
const enoughCommands = 300

/** Command → count. */
export async function sampleKey(
  node: string,
  key: Buffer,
  { source, clock, random, signal }: SampleKeyPorts,
): Promise<Record<string, number>> {
  const name = key.toString('latin1')
  const counts = new Map<string, number>()
  const startedMs = clock.nowMs()
  let seen = 0
  while (seen < enoughCommands && clock.nowMs() - startedMs < longestMs) {
    const burstMs = clock.nowMs()
    const { commands, costMicros = 0 } = await source.burst(node, limits)
    for (const { command, keys } of commands) {
      if (!keys.includes(name)) continue
      counts.set(command, (counts.get(command) ?? 0) + 1)
      seen += 1
    }
    const cost = { costMicros, lengthMs: clock.nowMs() - burstMs }
    await clock.sleep(pauseMs(cost, { budget, rate: 1, random }), signal)
  }
  return Object.fromEntries(counts)
}
