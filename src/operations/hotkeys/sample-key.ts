/** The commands on one key, from bursts of its node alone. */
import type { Clock } from '../../clock.js'
import { burstLines, costMicros, pauseMs } from '../../hotkeys/burst-schedule.js'
import { createKeyPositions } from '../../hotkeys/key-positions.js'
import { parseMonitorLine } from '../../hotkeys/monitor-line.js'
import type { Random } from '../../random.js'
import type { MonitorPort } from '../ports.js'

export interface SampleKeyPorts {
  readonly monitor: MonitorPort
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

const limits = { maxBytes: 256 * 1024, maxMs: 20 }
const budget = 0.01
const longestMs = 2_000
/** Enough to tell 10 % from 20 %. */
const enoughCommands = 300

/** Command → count. */
export async function sampleKey(
  node: string,
  key: Buffer,
  { monitor, clock, random, signal }: SampleKeyPorts,
): Promise<Record<string, number>> {
  const positions = createKeyPositions(await monitor.commandShapes(node))
  const counts = new Map<string, number>()
  const startedMs = clock.nowMs()
  let seen = 0
  let meanBytes = 70
  while (seen < enoughCommands && clock.nowMs() - startedMs < longestMs) {
    const { lines, bytes } = await monitor.burst(node, { ...limits, maxLines: burstLines(meanBytes) })
    for (const line of lines) {
      const parsed = parseMonitorLine(line, positions)
      if (!parsed?.keys.some((each) => each.equals(key))) continue
      counts.set(parsed.command, (counts.get(parsed.command) ?? 0) + 1)
      seen += 1
    }
    if (lines.length > 0) meanBytes = bytes / lines.length
    await clock.sleep(pauseMs(costMicros(lines.length, bytes), { budget, nodeCount: 1, random }), signal)
  }
  return Object.fromEntries(counts)
}
