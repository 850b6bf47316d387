/** Counts of one node's samples: per key and per burst, because bursts, not commands, are the independent observations. */
import type { MonitoredCommand } from './monitor-line.js'

export interface KeyTally {
  /** Commands that named the key. */
  count: number
  /** Burst number → commands in it that named the key; bursts without are absent. */
  readonly bursts: Map<number, number>
  readonly commands: Map<string, number>
}

export interface NodeTally {
  readonly node: string
  /** Keys as latin1 text, which keeps every byte. */
  readonly keys: Map<string, KeyTally>
  /** Commands in each burst. */
  readonly burstSizes: number[]
}

export function createTally(node: string): NodeTally {
  return { node, keys: new Map(), burstSizes: [] }
}

export function addBurst(tally: NodeTally, commands: readonly MonitoredCommand[]): void {
  if (commands.length === 0) return
  const burst = tally.burstSizes.push(commands.length) - 1
  for (const { command, keys } of commands) {
    // a command that names a key twice still is one command
    for (const name of new Set(keys.map((key) => key.toString('latin1')))) {
      const key = tally.keys.get(name) ?? { count: 0, bursts: new Map(), commands: new Map() }
      tally.keys.set(name, key)
      key.count += 1
      key.bursts.set(burst, (key.bursts.get(burst) ?? 0) + 1)
      key.commands.set(command, (key.commands.get(command) ?? 0) + 1)
    }
  }
}
