/** Counts of one node's samples: per key and per burst, because bursts, not commands, are the independent observations. */
import type { SampledBurst } from './sampled.js'

export interface KeyTally {
  /** Commands that named the key. */
  count: number
  /** Burst number → commands in it that named the key; bursts without are absent. */
  readonly bursts: Map<number, number>
  readonly commands: Map<string, number>
}

export class Tally {
  /** Keys as latin1 text, which keeps every byte. */
  readonly keys = new Map<string, KeyTally>()
  /** Commands in each burst. */
  readonly burstSizes: number[] = []
  firstMs = Number.POSITIVE_INFINITY
  lastMs = Number.NEGATIVE_INFINITY

  constructor(readonly node: string) {}

  add({ commands, atMs }: SampledBurst): void {
    this.firstMs = Math.min(this.firstMs, atMs)
    this.lastMs = Math.max(this.lastMs, atMs)
    const burst = this.burstSizes.push(commands.length) - 1
    for (const { command, keys } of commands) {
      for (const name of keys) {
        const key = this.keys.get(name) ?? { count: 0, bursts: new Map(), commands: new Map() }
        this.keys.set(name, key)
        key.count += 1
        key.bursts.set(burst, (key.bursts.get(burst) ?? 0) + 1)
        key.commands.set(command, (key.commands.get(command) ?? 0) + 1)
      }
    }
  }
}
