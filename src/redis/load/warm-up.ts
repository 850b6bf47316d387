/** What is sent before measuring, and when it has been enough. */
import type { LoadRequest } from '../../operations/ports.js'
import type { PhaseSpec } from '../../workload/workload.js'

export interface WarmupSecond {
  readonly answeredPerSec: number
  readonly p99Ms: number
  readonly hitRatio: number | null
}

/** As the first phase starts, for as long as it takes. */
export function warmupPhase({ phases, warmup }: LoadRequest): PhaseSpec {
  const { rate, hotShift } = phases[0]!
  const first = rate.kind === 'open' ? rate.segments[0]! : undefined
  return {
    name: 'warm-up',
    durationMs: warmup.kind === 'time' ? warmup.ms : warmup.maxMs,
    rate:
      rate.kind === 'open' && first
        ? { ...rate, segments: [{ ...first, toPerSec: first.fromPerSec, durationMs: 0 }] }
        : rate,
    hotShift,
  }
}

const windowSeconds = 3

/**
 * Steady: the last three seconds against the three before, throughput within 5 %, hit ratio within half a point, p99
 * within 25 %. Windows of a few seconds are as short as can be told from noise, and as long as users will wait.
 */
export function isSteady(seconds: readonly WarmupSecond[]): boolean {
  if (seconds.length < 2 * windowSeconds) return false
  const mean = (pick: (second: WarmupSecond) => number, from: number) => {
    const window = seconds.slice(from, from + windowSeconds)
    return window.reduce((sum, second) => sum + pick(second), 0) / window.length
  }
  const start = seconds.length - 2 * windowSeconds
  const both = (pick: (second: WarmupSecond) => number) =>
    [mean(pick, start), mean(pick, start + windowSeconds)] as const
  const isNear = ([a, b]: readonly [number, number], share: number) =>
    Math.abs(b - a) <= share * Math.max(a, b)
  const [hitsBefore, hitsNow] = both(({ hitRatio }) => hitRatio ?? 0)
  return (
    isNear(
      both(({ answeredPerSec }) => answeredPerSec),
      0.05,
    ) &&
    isNear(
      both(({ p99Ms }) => p99Ms),
      0.25,
    ) &&
    Math.abs(hitsNow - hitsBefore) <= 0.005
  )
}
