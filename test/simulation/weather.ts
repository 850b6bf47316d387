/** How a seed's world is: calm or rough, crowded or not. Drawn once, so that a seed has a character of its own. */
import type { World } from './world.js'

export interface Weather {
  readonly latencyMs: number
  /** Faults strike until then. */
  readonly calmAtMs: number
  /** Of a pipeline's connection. */
  readonly lossProbability: number
  /** Of a pipeline that is late and not lost. */
  readonly hiccupProbability: number
  /** The control store notices that an operator's process has ended. */
  readonly leaseEndsWithProcess: boolean
  readonly hasStrays: boolean
  /** The change is followed by the change back. */
  readonly isThereAndBack: boolean
  readonly keyCount: number
  readonly clientCount: number
  readonly lanes: number
  readonly operations: number
  readonly longestPauseMs: number
  /** Of a pause that ends when the ring changes, and how soon after. */
  readonly waitProbability: number
  readonly spreadMs: number
  /** Nodes that stand still and processes that freeze. */
  readonly disturbances: number
  /** Of an operator, while faults strike. */
  readonly deathProbability: number
}

/** `crowded`: many at one key in the moments that count. `successors`: operators come and go. */
export type Kind = 'crowded' | 'successors' | 'any'

export function drawWeather(world: World, wanted?: Kind): Weather {
  const latencyMs = world.pick([0.2, 0.5, 2, 5])
  const common = {
    latencyMs,
    leaseEndsWithProcess: world.chance(0.7),
    hasStrays: world.chance(0.1),
    hiccupProbability: world.pick([0, 0.02, 0.1]),
    clientCount: 2 + world.random.below(2),
    lanes: 1 + world.random.below(2),
  }
  const dice = world.random.next()
  const kind = wanted ?? (dice < 0.4 ? 'crowded' : dice < 0.5 ? 'successors' : 'any')
  // little else goes wrong
  if (kind === 'crowded') {
    return {
      ...common,
      calmAtMs: 300,
      lossProbability: world.pick([0, 0.003]),
      isThereAndBack: false,
      keyCount: 1,
      clientCount: 3,
      lanes: 2,
      operations: 12,
      longestPauseMs: 6 * latencyMs,
      waitProbability: 0.6,
      spreadMs: world.pick([4, 15]) * latencyMs,
      disturbances: 0,
      deathProbability: 0.15,
    }
  }
  const rough = {
    ...common,
    lossProbability: world.pick([0, 0.01, 0.05]),
    keyCount: world.pick([1, 2, 4]),
    operations: 6 + world.random.below(8),
    longestPauseMs: world.pick([4, 15, 50, 600]),
    waitProbability: 0.3,
    spreadMs: world.pick([2, 8, 30]) * latencyMs,
    disturbances: world.random.below(4),
  }
  // what they have sent arrives under those who come after them
  if (kind === 'successors') {
    return {
      ...rough,
      latencyMs: world.pick([0.2, 0.5]),
      calmAtMs: world.pick([3_000, 9_000]),
      leaseEndsWithProcess: true,
      isThereAndBack: true,
      keyCount: 4,
      longestPauseMs: world.pick([15, 100, 600]),
      deathProbability: 0.8,
    }
  }
  const calmAtMs = world.pick([0, 300, 1_000, 3_000])
  return { ...rough, calmAtMs, isThereAndBack: world.chance(0.1), deathProbability: 0.5 }
}
