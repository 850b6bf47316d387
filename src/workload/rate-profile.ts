/** How fast requests come: as fast as replies allow, or by a schedule that does not look at replies. */
import { type CachectlError, invalid } from '../errors.js'
import { printable } from '../printable.js'
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
export function durationOf({ segments }: OpenRate): number {
  return segments.at(-1)!.durationMs === 0 ? 0 : segments.reduce((sum, { durationMs }) => sum + durationMs, 0)
}
