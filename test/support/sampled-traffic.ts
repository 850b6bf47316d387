/** Traffic whose truth is known, sampled in bursts as a node would show it. */
import type { SampledBurst } from '../../src/hotkeys/sampled.js'
import type { Random } from '../../src/random.js'
import { createZipf } from '../../src/workload/zipf.js'

export interface Traffic {
  /** Share of all commands of a key, by its number. */
  shareOf(key: number): number
  /** The key of a command at that time, ms. */
  draw(atMs: number, random: Random): number
}

/** Key r has the rank r, from 0. */
export function zipf(keyCount: number, theta: number): Traffic {
  let total = 0
  for (let rank = 0; rank < keyCount; rank++) total += (rank + 1) ** -theta
  const draws = new WeakMap<Random, () => number>()
  return {
    shareOf: (key) => (key + 1) ** -theta / total,
    draw: (_, random) => {
      const draw = draws.get(random) ?? createZipf(keyCount, theta, random)
      draws.set(random, draw)
      return draw()
    },
  }
}

export function uniform(keyCount: number): Traffic {
  return { shareOf: () => 1 / keyCount, draw: (_, random) => random.below(keyCount) }
}

/** Key 0 has 60 % of the commands for 50 ms of each second, and no others. */
export function spike(others: number): Traffic {
  return {
    shareOf: (key) => (key === 0 ? 0.03 : 0.97 / others),
    draw: (atMs, random) => (atMs % 1_000 < 50 && random.next() < 0.6 ? 0 : 1 + random.below(others)),
  }
}

export interface Sampling {
  readonly bursts: number
  /** Commands of a burst: drawn evenly from this range. */
  readonly lines: readonly [number, number]
  readonly opsPerSec: number
  /** Between bursts, ms, times U(0.5, 1.5). */
  readonly pauseMs: number
  readonly node?: string
}

export function* sampledBursts(
  traffic: Traffic,
  sampling: Sampling,
  random: Random,
): Generator<SampledBurst> {
  const { bursts, lines, opsPerSec, pauseMs, node = 'n1' } = sampling
  let nowMs = random.next() * 1_000
  for (let burst = 0; burst < bursts; burst++) {
    const size = lines[0] + random.below(lines[1] - lines[0] + 1)
    const startMs = nowMs
    const commands = Array.from({ length: size }, (_, line) => ({
      command: 'get',
      keys: [`k:${traffic.draw(startMs + (line * 1_000) / opsPerSec, random)}`],
      bytes: 40,
      client: '127.0.0.1:5000',
    }))
    yield { node, atMs: startMs, commands }
    nowMs += (size * 1_000) / opsPerSec + pauseMs * (0.5 + random.next())
  }
}
