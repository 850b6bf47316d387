/** Which key the next request asks for: parsed from text, drawn from a seeded generator (key-draw.ts). */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { Random } from '../random.js'
import {
  createExponential,
  createGaussian,
  createHotspot,
  createLatest,
  createPopularity,
  createSequence,
  fixedKeys,
  type KeysByAge,
  scattered,
} from './key-draw.js'
import { createZipf } from './zipf.js'

export { createScatter } from './key-draw.js'

export type KeyDistribution =
  | { readonly kind: 'uniform' }
  /** The key of rank r, from 0, is asked for in proportion to (r+1)^-theta; the ranks are scattered over the numbers. */
  | { readonly kind: 'zipf'; readonly theta: number }
  /** Both in (0, 1): this share of the keys, the first ones, takes that share of the requests. */
  | { readonly kind: 'hotspot'; readonly keyShare: number; readonly requestShare: number }
  /** Around the middle of the key numbers; the standard deviation as a share of all of them. */
  | { readonly kind: 'gaussian'; readonly sigmaShare: number }
  /** Zipf by age: the newest key is the hottest. */
  | { readonly kind: 'latest'; readonly theta: number }
  /** One after the other, and from the start again. */
  | { readonly kind: 'sequential' }
  /** By age: `percentile` percent of the requests go to the newest `rangeShare` of the keys. */
  | { readonly kind: 'exponential'; readonly percentile: number; readonly rangeShare: number }
  /**
   * Measured popularity: groups of keys from the hottest down, each with its number of keys and its weight; uniform within
   * a group, stretched or pressed to the keys there are, and scattered over the numbers.
   */
  | {
      readonly kind: 'histogram'
      /** Where it was measured, as in trace:requests.csv. */
      readonly name?: string
      readonly keyCounts: readonly number[]
      readonly weights: readonly number[]
    }

/** Products of two key numbers must stay exact in a double. */
export const maxKeyCount = 50_000_000

/** memtier_benchmark's default: six standard deviations span the keys. */
const defaultSigmaShare = 1 / 6
/** YCSB's defaults of exponential.percentile and exponential.frac. */
const defaultExponential = { percentile: 95, rangeShare: 0.8571428571 }

const forms =
  'uniform, zipf:THETA, hotspot:KEYSHARE:REQUESTSHARE, gaussian[:SIGMA], latest[:THETA], sequential, exponential[:PERCENTILE:RANGE] or trace:FILE'

/**
 * `uniform`, `zipf:0.99`, `hotspot:0.2:0.8`, `gaussian` or `gaussian:0.1`, `latest` or `latest:0.99`, `sequential`,
 * `exponential` or `exponential:95:0.86`. A histogram comes from a trace or a preset only. Errors: `invalid`.
 */
export function parseDistribution(text: string): KeyDistribution {
  const [kind, ...numbers] = text.split(':')
  const fail = (expected: string): never => {
    throw invalid(`distribution ${printable(text, 80)}: expected ${expected}`)
  }
  const take = (index: number, most: number, expected: string): number => {
    const value = /^(?:\d+\.?\d*|\.\d+)$/.test(numbers[index] ?? '') ? Number(numbers[index]) : 0
    return value > 0 && value <= most ? value : fail(expected)
  }
  const takes = (count: number, expected: string) => numbers.length === count || fail(expected)
  switch (kind) {
    case 'uniform':
    case 'sequential':
      takes(0, `${kind} without a number`)
      return { kind }
    case 'zipf':
    case 'latest': {
      const expected = `${kind}:THETA with 0 < THETA ≤ 10, as in ${kind}:0.99`
      if (kind === 'latest' && numbers.length === 0) return { kind, theta: 0.99 }
      takes(1, expected)
      return { kind, theta: take(0, 10, expected) }
    }
    case 'hotspot': {
      const expected = 'hotspot:KEYSHARE:REQUESTSHARE, both above 0 and below 1, as in hotspot:0.2:0.8'
      takes(2, expected)
      const [keyShare, requestShare] = [take(0, 1, expected), take(1, 1, expected)]
      return keyShare < 1 && requestShare < 1 ? { kind, keyShare, requestShare } : fail(expected)
    }
    case 'gaussian': {
      if (numbers.length === 0) return { kind, sigmaShare: defaultSigmaShare }
      const expected = 'gaussian:SIGMA, a share of the keys with 0 < SIGMA ≤ 1, as in gaussian:0.1'
      takes(1, expected)
      return { kind, sigmaShare: take(0, 1, expected) }
    }
    case 'exponential': {
      if (numbers.length === 0) return { kind, ...defaultExponential }
      const expected =
        'exponential:PERCENTILE:RANGE with 0 < PERCENTILE < 100 and 0 < RANGE ≤ 1, as in exponential:95:0.86'
      takes(2, expected)
      const [percentile, rangeShare] = [take(0, 100, expected), take(1, 1, expected)]
      return percentile < 100 ? { kind, percentile, rangeShare } : fail(expected)
    }
    default:
      return fail(forms)
  }
}

/** The text that `parseDistribution` reads back; a histogram has none and is called by its name. */
export function formatDistribution(distribution: KeyDistribution): string {
  switch (distribution.kind) {
    case 'uniform':
    case 'sequential':
      return distribution.kind
    case 'histogram':
      return distribution.name ?? distribution.kind
    case 'zipf':
    case 'latest':
      return `${distribution.kind}:${decimal(distribution.theta)}`
    case 'hotspot':
      return `hotspot:${decimal(distribution.keyShare)}:${decimal(distribution.requestShare)}`
    case 'gaussian':
      return distribution.sigmaShare === defaultSigmaShare
        ? 'gaussian'
        : `gaussian:${decimal(distribution.sigmaShare)}`
    case 'exponential':
      return `exponential:${decimal(distribution.percentile)}:${decimal(distribution.rangeShare)}`
    default:
      return distribution satisfies never
  }
}

/** Without an exponent, which no text of ours has. */
function decimal(value: number): string {
  const text = String(value)
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '') : text
}

export interface KeyDrawOptions {
  /** Absent: key numbers are ages, and the highest is the newest. */
  readonly byAge?: KeysByAge
  /** This thread of how many: `sequential` gives each key to one thread a round. */
  readonly part?: { readonly index: number; readonly count: number }
}

/** Draws key numbers in [0, keyCount); with `byAge`, `latest` and `exponential` draw what it says. */
export function createKeyDraw(
  distribution: KeyDistribution,
  keyCount: number,
  random: Random,
  options: KeyDrawOptions = {},
): () => number {
  const byAge = options.byAge ?? fixedKeys(keyCount)
  switch (distribution.kind) {
    case 'uniform':
      return () => random.below(keyCount)
    case 'zipf':
      return scattered(createZipf(keyCount, distribution.theta, random), keyCount)
    case 'hotspot':
      return createHotspot(distribution, keyCount, random)
    case 'gaussian':
      return createGaussian(distribution.sigmaShare, keyCount, random)
    case 'latest':
      return createLatest(distribution.theta, byAge, random)
    case 'sequential':
      return createSequence(keyCount, options.part ?? { index: 0, count: 1 })
    case 'exponential':
      return createExponential(distribution, keyCount, byAge, random)
    case 'histogram':
      return scattered(createPopularity(distribution, keyCount, random), keyCount)
    default:
      return distribution satisfies never
  }
}
