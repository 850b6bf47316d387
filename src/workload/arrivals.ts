/**
 * When requests are due. In operational time requests come at a rate of one: evenly, or as a Poisson process. The inverse of
 * the cumulative rate turns that into real time, exactly for any profile (time change: Çinlar, "Introduction to stochastic
 * processes", 1975, 4.7), so that a ramp has neither steps nor a bent start.
 */
import { invalid } from '../errors.js'
import type { Random } from '../random.js'
import { formatRate, type OpenRate } from './rate-profile.js'

export interface CumulativeRate {
  /** Requests expected in [0, ms). */
  expectedAt(ms: number): number
  /** The ms by which so many are expected; Infinity beyond `total`. */
  dueMs(requests: number): number
  /** Expected in the whole phase; Infinity where the phase has no end. */
  readonly total: number
}

/** What next() of `createArrivals` needs of a stretch in which the rate goes in a straight line. */
interface Stretch {
  readonly startMs: number
  readonly endMs: number
  /** Requests expected before it, and by its end. */
  readonly before: number
  readonly after: number
  readonly fromPerMs: number
  /** Change of the rate in a ms, per ms. */
  readonly slope: number
}

/**
 * The profile over a phase of `durationMs` (0: without end): segments beyond the phase are cut off, and the last rate stays
 * until it ends. Errors: `invalid` for a ramp that has no end.
 */
export function cumulativeRate(profile: OpenRate, durationMs: number): CumulativeRate {
  const stretches = stretchesOf(profile, durationMs)
  return {
    total: stretches.at(-1)!.after,
    expectedAt(ms) {
      const stretch = stretches.find(({ endMs }) => ms < endMs) ?? stretches.at(-1)!
      const since = Math.max(0, Math.min(ms, stretch.endMs) - stretch.startMs)
      return stretch.before + since * (stretch.fromPerMs + (stretch.slope * since) / 2)
    },
    dueMs(requests) {
      const stretch = stretches.find(({ after }) => requests < after)
      return stretch ? dueIn(stretch, requests) : Number.POSITIVE_INFINITY
    },
  }
}

function stretchesOf(profile: OpenRate, durationMs: number): Stretch[] {
  const endMs = durationMs || Number.POSITIVE_INFINITY
  const stretches: Stretch[] = []
  let startMs = 0
  let before = 0
  const add = (fromPerSec: number, toPerSec: number, lengthMs: number) => {
    const wholeMs = Math.min(lengthMs, endMs - startMs)
    if (!(wholeMs > 0)) return
    const fromPerMs = fromPerSec / 1_000
    const slope = fromPerSec === toPerSec ? 0 : (toPerSec - fromPerSec) / 1_000 / lengthMs
    const change = slope === 0 ? 0 : (slope * wholeMs) / 2
    // a rate of 0 without end is no requests, and not 0 × ∞
    const expected = fromPerMs + change === 0 ? 0 : wholeMs * (fromPerMs + change)
    const stretch = { startMs, endMs: startMs + wholeMs, before, after: before + expected, fromPerMs, slope }
    stretches.push(stretch)
    startMs = stretch.endMs
    before = stretch.after
  }
  for (const { fromPerSec, toPerSec, durationMs: lengthMs } of profile.segments) {
    if (lengthMs === 0 && durationMs === 0 && fromPerSec !== toPerSec)
      throw invalid(
        `rate ${formatRate(profile)}: the ramp has no end, and neither has the phase`,
        `Say how long it takes, as in ${formatRate(profile)}/60s.`,
      )
    add(fromPerSec, toPerSec, lengthMs || endMs - startMs)
  }
  const last = profile.segments.at(-1)!.toPerSec
  add(last, last, endMs - startMs)
  return stretches
}

/** Solves before + from × t + slope × t² / 2 = requests in the form that stays exact where the rate starts or ends at 0. */
function dueIn({ startMs, before, fromPerMs, slope }: Stretch, requests: number): number {
  const more = requests - before
  if (more <= 0) return startMs
  if (slope === 0) return startMs + more / fromPerMs
  const root = Math.sqrt(Math.max(0, fromPerMs * fromPerMs + 2 * slope * more))
  return startMs + (2 * more) / (fromPerMs + root)
}

export interface ArrivalSchedule {
  /** Ms since the phase began of this thread's next due request, never falling; Infinity when the phase is over. */
  next(): number
}

export interface ArrivalOptions {
  readonly random: Random
  /** This thread of how many. */
  readonly part: { readonly index: number; readonly count: number }
  /** Of the phase; 0: without end. */
  readonly durationMs: number
}

/**
 * Uniform: request number k is due when k are expected, and thread i of n takes numbers i, i+n, …: together exactly one
 * thread's schedule. Poisson: each thread a process of its own at an n-th of the rate, together one at the whole rate
 * (superposition); `random` must not be another thread's. Errors: `invalid` for a ramp that has no end.
 */
export function createArrivals(profile: OpenRate, options: ArrivalOptions): ArrivalSchedule {
  const { random, part } = options
  const stretches = stretchesOf(profile, options.durationMs)
  const total = stretches.at(-1)!.after
  // request number `total` would be due at the end itself, rounding must not let it in
  const end = total - Math.max(1e-6, total * 1e-12)
  const isPoisson = profile.arrivals === 'poisson'
  let requests = isPoisson ? 0 : part.index - part.count
  let at = 0
  let stretch = stretches[0]!
  return {
    next() {
      requests += isPoisson ? -part.count * Math.log(1 - random.next()) : part.count
      if (requests >= end) return Number.POSITIVE_INFINITY
      while (requests >= stretch.after) {
        at += 1
        stretch = stretches[at]!
      }
      return dueIn(stretch, requests)
    },
  }
}
