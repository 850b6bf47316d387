/**
 * How fast requests come: as fast as replies allow, or by a schedule that does not look at replies. In operational time
 * requests come at a rate of one, evenly or as a Poisson process; the inverse of the cumulative rate turns that into real time,
 * exactly for any profile (time change: Çinlar, "Introduction to stochastic processes", 1975, 4.7), so that a ramp has no steps.
 */
import { type CachectlError, invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { Random } from '../random.js'
import { formatDurationMs, parseDurationMs } from './duration.js'

export type RateProfile = { readonly kind: 'max' } | OpenRate | TraceRate

export interface OpenRate {
  readonly kind: 'open'
  /** One after the other; in each the rate goes in a straight line from one to the other. The last rate stays. */
  readonly segments: readonly RateSegment[]
  readonly arrivals: Arrivals
}

/** The trace's own times, divided by `speed`. */
export interface TraceRate {
  readonly kind: 'trace'
  readonly speed: number
}

export interface RateSegment {
  readonly fromPerSec: number
  readonly toPerSec: number
  /** 0: what the segments before leave of the phase; the last one only. */
  readonly durationMs: number
}

/** Evenly spaced, or a Poisson process as of many users who do not know of each other. */
export const arrivalKinds = ['uniform', 'poisson'] as const
export type Arrivals = (typeof arrivalKinds)[number]

/** Far beyond what one machine sends. */
export const maxRatePerSec = 1_000_000_000

const remedy =
  'Rates look like max, 500, 20k, 1k..50k/60s (a ramp), step:5k,10k,20k/30s (each for 30 s), or 5k/10s,5k..20k/30s,20k.'

/**
 * `max`; `500`, `20k` a second; `1k..50k/60s`, a ramp; `step:5k,10k,20k/30s`, each for 30 s; or several of these after one
 * another with commas, where only the last may be without a duration. Errors: `invalid`.
 */
export function parseRate(text: string, arrivals: Arrivals = 'uniform'): RateProfile {
  if (text === 'max') return { kind: 'max' }
  const segments = text.startsWith('step:') ? parseSteps(text) : parseSegments(text)
  if (segments.every(({ fromPerSec, toPerSec }) => fromPerSec === 0 && toPerSec === 0))
    throw problem(text, 'no request ever, expected a rate above 0')
  return { kind: 'open', segments, arrivals }
}

function parseSteps(text: string): RateSegment[] {
  const [list, duration, ...more] = text.slice('step:'.length).split('/')
  if (duration === undefined || more.length > 0) throw problem(text, 'expected step:RATE,RATE,…/TIME')
  const durationMs = parseTime(text, duration)
  return list!.split(',').map((rate) => {
    const perSec = parsePerSec(text, rate)
    return { fromPerSec: perSec, toPerSec: perSec, durationMs }
  })
}

function parseSegments(text: string): RateSegment[] {
  return text.split(',').map((item, index, all) => {
    const [rates, duration, ...more] = item.split('/')
    if (more.length > 0)
      throw problem(text, `${printable(item, 40)}, expected RATE, RATE/TIME or RATE..RATE/TIME`)
    if (duration === undefined && index < all.length - 1)
      throw problem(text, `${printable(item, 40)}, expected its time, as in ${printable(item, 40)}/30s`)
    const [from, to = from, ...others] = rates!.split('..')
    if (others.length > 0) throw problem(text, `${printable(item, 40)}, expected two rates in a ramp`)
    return {
      fromPerSec: parsePerSec(text, from!),
      toPerSec: parsePerSec(text, to!),
      durationMs: duration === undefined ? 0 : parseTime(text, duration),
    }
  })
}

function parsePerSec(text: string, rate: string): number {
  const [, digits, unit] = /^\s*(\d+(?:\.\d+)?)(k|M|)\s*$/.exec(rate) ?? []
  const perSec = Number(digits) * { '': 1, k: 1_000, M: 1_000_000 }[(unit ?? '') as '' | 'k' | 'M']
  if (digits === undefined)
    throw problem(text, `${printable(rate, 40) || 'nothing'}, expected requests a second, as in 500 or 20k`)
  if (perSec <= maxRatePerSec) return perSec
  throw problem(
    text,
    `${printable(rate, 40)}, expected at most ${maxRatePerSec.toLocaleString('en')} a second`,
  )
}

function parseTime(text: string, duration: string): number {
  const ms = parseDurationMs(duration.trim(), `rate ${printable(text, 80)}: time`)
  if (ms > 0) return ms
  throw problem(text, 'expected a time above 0')
}

function problem(text: string, message: string): CachectlError {
  return invalid(`rate ${printable(text, 80)}: ${message}`, remedy)
}

/** The text that `parseRate` reads back, but for the arrivals; a trace's own times are `trace:2x`. */
export function formatRate(profile: RateProfile): string {
  if (profile.kind === 'max') return 'max'
  if (profile.kind === 'trace') return `trace:${profile.speed}x`
  return profile.segments
    .map(({ fromPerSec, toPerSec, durationMs }) => {
      const rate =
        fromPerSec === toPerSec
          ? formatPerSec(fromPerSec)
          : `${formatPerSec(fromPerSec)}..${formatPerSec(toPerSec)}`
      return durationMs === 0 ? rate : `${rate}/${formatDurationMs(durationMs)}`
    })
    .join(',')
}

function formatPerSec(perSec: number): string {
  const thousands = perSec / 1_000
  return thousands >= 1 && thousands * 1_000 === perSec && String(thousands).length < String(perSec).length
    ? `${thousands}k`
    : String(perSec)
}

/** How long the profile says it takes, in ms; 0: as long as the phase. */
export function rateDurationMs({ segments }: OpenRate): number {
  return segments.at(-1)!.durationMs === 0 ? 0 : segments.reduce((sum, { durationMs }) => sum + durationMs, 0)
}

/** Time in which the rate goes in a straight line. */
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

/** Requests due in the first `timeMs` of a phase of `durationMs` (0: without end); 0 where no schedule says it. Errors: as createArrivals. */
export function expectedRequests(profile: RateProfile, timeMs: number, durationMs: number): number {
  if (profile.kind !== 'open') return 0
  const stretches = stretchesOf(profile, durationMs)
  const stretch = stretches.find(({ endMs }) => timeMs < endMs) ?? stretches.at(-1)!
  const sinceMs = Math.max(0, Math.min(timeMs, stretch.endMs) - stretch.startMs)
  return stretch.before + sinceMs * (stretch.fromPerMs + (stretch.slope * sinceMs) / 2)
}

/** Segments beyond the phase are cut off; the last rate stays until the phase ends. */
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
  const end = total * (1 - 1e-12) - 1e-6
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
