/** Sizes in bytes and latencies in milliseconds as people write them. */
import { type CachectlError, invalid } from '../errors.js'
import { printable } from '../printable.js'
import { parseDurationMs } from './duration.js'
import { type SizeDistribution, shareWithin } from './size-distribution.js'

/** The longest string of a Redis server (proto-max-bulk-len). */
export const maxValueBytes = 512 * 2 ** 20

/** As in redis.conf: k, m and g are powers of 1,000, kb, mb and gb of 1,024. */
const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 2 ** 10,
  kib: 2 ** 10,
  m: 1e6,
  mb: 2 ** 20,
  mib: 2 ** 20,
  g: 1e9,
  gb: 2 ** 30,
  gib: 2 ** 30,
}

/** How the amounts in a text are read and bounded. */
interface Amounts {
  readonly what: string
  readonly remedy: string
  readonly max: number
  /** undefined: not an amount. */
  read(text: string): number | undefined
}

const bytes: Amounts = {
  what: 'size',
  remedy:
    'Sizes look like 100, 4kb, uniform:10..1000, lognormal:5,0.8, lognormal:mean=300,sigma=0.8, pareto:0,214,0.35.',
  max: maxValueBytes,
  read(text) {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? []
    const value = Number(digits) * (unitBytes[(unit ?? '').toLowerCase()] ?? Number.NaN)
    return Number.isInteger(value) ? value : undefined
  },
}

const milliseconds: Amounts = {
  what: 'latency',
  remedy: 'Latencies look like 5ms, uniform:1ms..20ms, lognormal:mean=5ms,sigma=0.8, pareto:1ms,2ms,0.3,10s.',
  max: 3_600_000,
  read(text) {
    return /^\d+(\.\d+)?(ms|s|m|h)$/.test(text) ? parseDurationMs(text, 'latency') : undefined
  },
}

/**
 * Bytes: `100`, `4kb`; `uniform:LOW..HIGH`; `lognormal:MU,SIGMA` of the natural logarithm, or `lognormal:mean=300,sigma=0.8`, each
 * with `,LOW..HIGH` behind; `pareto:LOCATION,SCALE,SHAPE[,MAX]`. k, m, g are thousands, kb, mb, gb 1,024s as in redis.conf.
 * Errors: `invalid`.
 */
export function parseSize(text: string): SizeDistribution {
  return parseAmounts(text, bytes)
}

/** The same of times, each with its unit; MU is that of milliseconds. Errors: `invalid`. */
export function parseLatencyMs(text: string): SizeDistribution {
  return parseAmounts(text, milliseconds)
}

function parseAmounts(given: string, amounts: Amounts): SizeDistribution {
  const text = given.trim()
  const [kind, ...rest] = text.split(':')
  const fail = (expected: string) => problem(given, amounts, expected)
  if (rest.length === 0) {
    const value = amounts.read(text)
    if (value === undefined) throw fail('an amount, or uniform:, lognormal: or pareto: with its numbers')
    if (value > amounts.max) throw fail(`at most ${amounts.max.toLocaleString('en')}`)
    return { kind: 'fixed', value }
  }
  const items = rest.join(':').split(',')
  switch (kind) {
    case 'uniform': {
      const range = items.length === 1 ? readRange(items[0]!, amounts) : undefined
      if (!range) throw fail('uniform:LOW..HIGH with LOW ≤ HIGH')
      return { kind, ...range }
    }
    case 'lognormal':
      return checked(parseLognormal(items, amounts, fail), fail)
    case 'pareto':
      return checked(parsePareto(items, amounts, fail), fail)
    default:
      throw fail('uniform:, lognormal: or pareto:')
  }
}

type Fail = (expected: string) => CachectlError

function problem(given: string, { what, remedy }: Amounts, expected: string): CachectlError {
  return invalid(`${what} ${printable(given, 80)}: expected ${expected}`, remedy)
}

function parseLognormal(items: readonly string[], amounts: Amounts, fail: Fail): SizeDistribution {
  const expected =
    'lognormal:MU,SIGMA or lognormal:mean=MEAN,sigma=SIGMA, then LOW..HIGH if you like, with 0 < SIGMA ≤ 10'
  const [first = '', second = '', range, ...more] = items.map((item) => item.trim())
  const ends = range === undefined ? { min: 0, max: amounts.max } : readRange(range, amounts)
  const sigma = number(second.replace(/^sigma=/, ''))
  if (!ends || more.length > 0 || sigma === undefined || !(sigma > 0 && sigma <= 10)) throw fail(expected)
  if (!first.startsWith('mean=')) {
    const mu = number(first)
    if (mu === undefined) throw fail(expected)
    return { kind: 'lognormal', mu, sigma, ...ends }
  }
  const mean = amounts.read(first.slice('mean='.length))
  if (mean === undefined || mean === 0) throw fail(expected)
  return { kind: 'lognormal', mu: Math.log(mean) - (sigma * sigma) / 2, sigma, ...ends }
}

function parsePareto(items: readonly string[], amounts: Amounts, fail: Fail): SizeDistribution {
  const expected = 'pareto:LOCATION,SCALE,SHAPE[,MAX] with SCALE above 0 and SHAPE from -1 to 10'
  const [location, scale, shape, max, ...more] = items.map((item) => item.trim())
  const isPlain = (text = '') => /^\d+(\.\d+)?$/.test(text)
  // published figures have fractions of a byte
  const amount = (text = '') => (amounts === bytes && isPlain(text) ? Number(text) : amounts.read(text))
  const spec = {
    kind: 'pareto' as const,
    location: amount(location),
    scale: amount(scale),
    shape: number(shape ?? ''),
    max: max === undefined ? amounts.max : amounts.read(max),
  }
  const { location: from, scale: width, shape: bend, max: end } = spec
  if (more.length > 0 || from === undefined || width === undefined || bend === undefined || end === undefined)
    throw fail(expected)
  if (!(width > 0 && bend >= -1 && bend <= 10)) throw fail(expected)
  if (!(end > from && end <= amounts.max))
    throw fail(`a maximum above LOCATION, at most ${amounts.max.toLocaleString('en')}`)
  return { kind: 'pareto', location: from, scale: width, shape: bend, max: end }
}

/** What is drawn again must be rare enough to end. */
function checked(spec: SizeDistribution, fail: Fail): SizeDistribution {
  if (shareWithin(spec) >= 1e-6) return spec
  throw fail('ends that hold at least a millionth of the distribution')
}

function readRange(text: string, amounts: Amounts): { min: number; max: number } | undefined {
  const [low = '', high = '', ...more] = text.split('..').map((each) => each.trim())
  const [min, max] = [amounts.read(low), amounts.read(high)]
  if (more.length > 0 || min === undefined || max === undefined) return undefined
  return min <= max && max <= amounts.max ? { min, max } : undefined
}

function number(text: string): number | undefined {
  return /^-?\d+(\.\d+)?(e-?\d+)?$/.test(text) ? Number(text) : undefined
}

/** The text that `parseSize` reads back; a histogram's says how many ranges it has. */
export function formatSize(spec: SizeDistribution): string {
  return formatAmounts(spec, '', maxValueBytes)
}

/** The text that `parseLatencyMs` reads back. */
export function formatLatencyMs(spec: SizeDistribution): string {
  return formatAmounts(spec, 'ms', milliseconds.max)
}

function formatAmounts(spec: SizeDistribution, unit: string, most: number): string {
  switch (spec.kind) {
    case 'fixed':
      return `${spec.value}${unit}`
    case 'uniform':
      return `uniform:${spec.min}${unit}..${spec.max}${unit}`
    case 'lognormal': {
      const { mu, sigma, min, max } = spec
      const ends = min === 0 && max === most ? '' : `,${min}${unit}..${max}${unit}`
      return `lognormal:${mu},${sigma}${ends}`
    }
    case 'pareto': {
      const { location, scale, shape, max } = spec
      const end = max === most ? '' : `,${max}${unit}`
      return `pareto:${location}${unit},${scale}${unit},${shape}${end}`
    }
    case 'histogram':
      return `histogram of ${spec.from.length} ranges`
    default:
      return spec satisfies never
  }
}
