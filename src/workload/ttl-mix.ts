/** How long written keys live: written as text, drawn from a seeded generator. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { Random } from '../random.js'
import { createWeightedDraw } from './weighted-draw.js'

export interface TtlMix {
  /** Empty: keys do not expire. */
  readonly parts: readonly {
    /** Whole; 0: these do not expire. */
    readonly seconds: number
    readonly weight: number
  }[]
  /** Spread around each: uniform within ±share, in [0, 1). */
  readonly jitter: number
}

export const noTtl: TtlMix = { parts: [], jitter: 0 }

/** About 31 years: a TTL in milliseconds stays far from what a server's clock can hold. */
export const maxTtlSeconds = 1_000_000_000

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/**
 * `0` (never), `60`, `1h`, or a mix as in `60s:0.39,300s:0.24,1d:0.37`; units s, m, h, d, without one seconds. Weights are
 * relative: they need not add up to 1. Errors: `invalid`.
 */
export function parseTtl(text: string, jitter = 0): TtlMix {
  const fail = (part: string, expected: string): never => {
    throw invalid(
      `ttl ${printable(text, 80)}: ${printable(part, 40)}, expected ${expected}`,
      'TTLs look like 0 (never), 60, 1h, or a mix with weights such as 60s:0.4,1h:0.5,0:0.1.',
    )
  }
  if (!(jitter >= 0 && jitter < 1)) fail(`jitter ${jitter}`, 'a share from 0 to below 1')
  const items = text.split(',')
  const parts = items.map((item) => {
    const [, digits, unit, weightText] =
      /^\s*(\d+(?:\.\d+)?)\s*([smhd]?)(?::(\d+(?:\.\d+)?|\.\d+))?\s*$/.exec(item) ?? []
    if (digits === undefined) return fail(item, 'a whole time with s, m, h or d')
    if (items.length > 1 && weightText === undefined) return fail(item, 'a weight after a colon')
    const seconds = Math.round(Number(digits) * unitSeconds[(unit || 's') as keyof typeof unitSeconds])
    if (seconds > maxTtlSeconds) return fail(item, `at most ${maxTtlSeconds.toLocaleString('en')} seconds`)
    if (seconds === 0 && Number(digits) > 0) return fail(item, 'whole seconds')
    const weight = weightText === undefined ? 1 : Number(weightText)
    return weight > 0 ? { seconds, weight } : fail(item, 'a weight above 0')
  })
  return parts.every(({ seconds }) => seconds === 0) ? { parts: [], jitter: 0 } : { parts, jitter }
}

/** The text that `parseTtl` reads back, without the jitter. */
export function formatTtl({ parts }: TtlMix): string {
  if (parts.length === 0) return '0'
  if (parts.length === 1) return formatSeconds(parts[0]!.seconds)
  return parts.map(({ seconds, weight }) => `${formatSeconds(seconds)}:${weight}`).join(',')
}

function formatSeconds(seconds: number): string {
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const) {
    if (seconds > 0 && seconds % length === 0) return `${seconds / length}${unit}`
  }
  return seconds === 0 ? '0' : `${seconds}s`
}

/** Draws whole seconds; 0: the key does not expire. A jittered TTL is at least one second. */
export function createTtlDraw({ parts, jitter }: TtlMix, random: Random): () => number {
  if (parts.length === 0) return () => 0
  const seconds = Float64Array.from(parts, (part) => part.seconds)
  const part = createWeightedDraw(
    parts.map(({ weight }) => weight),
    random,
  )
  if (jitter === 0) return () => seconds[part()]!
  return () => {
    const middle = seconds[part()]!
    if (middle === 0) return 0
    return Math.max(1, Math.floor(middle * (1 + jitter * (2 * random.next() - 1)) + 0.5))
  }
}
