/** The shape of a workload file, closed: an unknown field is an error, because a misspelt one would be ignored. */
import * as v from 'valibot'
import { CachectlError } from '../errors.js'
import { parseGate } from '../measure/gate-parse.js'
import { parseDurationMs } from '../workload/duration.js'
import { maxKeyCount, parseDistribution } from '../workload/key-distribution.js'
import { parseLatencyMs, parseSize } from '../workload/size-text.js'
import { parseTtl } from '../workload/ttl-mix.js'
import { parseWarmup } from '../workload/warm-up.js'

const text = v.pipe(v.string('expected a text'), v.nonEmpty('expected a text that is not empty'))
const name = v.pipe(
  v.string('expected a name'),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/,
    'expected 1 to 64 letters, digits, dots, colons, dashes or underscores',
  ),
)
const count = (least: number, most: number) =>
  v.pipe(
    v.number('expected a whole number'),
    v.integer('expected a whole number'),
    v.minValue(least, `expected a whole number from ${least}`),
    v.maxValue(most, `expected a whole number up to ${most.toLocaleString('en')}`),
  )
const share = v.pipe(
  v.number('expected a number from 0 to below 1'),
  v.minValue(0, 'expected a number from 0 to below 1'),
  v.check((value) => value < 1, 'expected a number from 0 to below 1'),
)
const flag = v.boolean('expected true or false')

/** A text with a grammar of its own, whose errors are shown as they are; a plain number is a text too. */
function parsed<Value>(expected: string, parse: (text: string) => Value) {
  return v.pipe(
    v.union([v.string(), v.number()], expected),
    v.rawTransform<string | number, Value>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(String(dataset.value))
      } catch (error) {
        if (!(error instanceof CachectlError)) throw error
        addIssue({ message: error.message })
        return NEVER
      }
    }),
  )
}

/** One schema for a map and another for everything else, so that a mistake in either is told as what it is. */
function mapOr<Map extends v.GenericSchema, Other extends v.GenericSchema>(map: Map, other: Other) {
  return v.lazy((input): Map | Other =>
    typeof input === 'object' && input !== null && !Array.isArray(input) ? map : other,
  )
}

/** A list would pass for a map without fields. */
function mapOnly<Map extends v.GenericSchema>(map: Map) {
  return mapOr(
    map,
    v.custom<never>(() => false, 'expected a map of fields'),
  )
}

const duration = parsed('expected a time such as 10s', (given) => parseDurationMs(given, 'time'))

const histogram = v.strictObject({ histogram: text })
const size = mapOr(histogram, parsed('expected a size such as 100, or {histogram: FILE}', parseSize))

const popularity = v.strictObject({ trace: text })
const distribution = mapOr(
  popularity,
  parsed('expected a distribution such as zipf:0.99, or {trace: FILE}', parseDistribution),
)

const keys = v.strictObject({ count: v.optional(count(1, maxKeyCount)), bytes: v.optional(size) })

const ttlText = parsed('expected a TTL such as 1h, or {mix, jitter}', (given) => parseTtl(given))
const ttl = v.strictObject({ mix: v.optional(ttlText), jitter: v.optional(share) })

const operation = v.strictObject({
  name: text,
  weight: v.pipe(
    v.number('expected a number above 0'),
    v.check((weight) => weight > 0 && Number.isFinite(weight), 'expected a number above 0'),
  ),
  command: v.optional(text),
  pipeline: v.optional(
    v.pipe(
      v.array(text, 'expected a list of commands'),
      v.minLength(1, 'expected at least one command'),
      v.maxLength(100, 'expected at most 100 commands'),
    ),
  ),
  lua: v.optional(text),
  luaFile: v.optional(text),
  args: v.optional(v.string('expected a text, as in "{value} 5"')),
  keyspace: v.optional(
    v.pipe(
      v.string('expected a text'),
      v.regex(
        /^[A-Za-z0-9_.:-]{0,32}$/,
        'expected at most 32 letters, digits, dots, colons, dashes or underscores',
      ),
    ),
  ),
})

const weights = v.record(v.string(), v.number('expected a weight, a number above 0'))
const operations = mapOr(
  weights,
  v.pipe(
    v.array(mapOnly(operation), 'expected a map of names and weights, or a list'),
    v.minLength(1, 'expected at least one operation'),
  ),
)

const phase = v.strictObject({
  name: v.pipe(
    v.string('expected a name'),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, 'expected 1 to 32 letters, digits, dashes or underscores'),
  ),
  duration: v.optional(duration),
  rate: v.optional(v.union([v.string(), v.number()], 'expected a rate such as max or 20k')),
  arrivals: v.optional(v.picklist(['uniform', 'poisson'], 'expected uniform or poisson')),
  shift: v.optional(share),
})

const gate = parsed('expected a gate such as p99<2ms', (given) => {
  parseGate(given)
  return given
})

const source = v.strictObject({
  latency: parsed('expected a time such as 5ms', parseLatencyMs),
  capacity: v.optional(count(0, 1_000_000)),
})

export const workloadSchema = v.strictObject({
  preset: v.optional(text),
  name: v.optional(name),
  keys: v.optional(mapOnly(keys)),
  distribution: v.optional(distribution),
  values: v.optional(size),
  ttl: v.optional(mapOr(ttl, ttlText)),
  operations: v.optional(operations),
  fill: v.optional(flag),
  warmup: v.optional(parsed('expected a time such as 5s, or auto', (given) => parseWarmup(given, 'warm-up'))),
  phases: v.optional(
    v.pipe(
      v.array(mapOnly(phase), 'expected a list of phases'),
      v.minLength(1, 'expected at least one phase'),
      v.maxLength(100, 'expected at most 100 phases'),
    ),
  ),
  gates: v.optional(
    v.pipe(v.array(gate, 'expected a list of gates'), v.maxLength(100, 'expected at most 100 gates')),
  ),
  source: v.optional(mapOnly(source)),
})

export type WorkloadFields = v.InferOutput<typeof workloadSchema>
export type OperationFields = v.InferOutput<typeof operation>
export type PhaseFields = v.InferOutput<typeof phase>
export type SizeFields = v.InferOutput<typeof size>

/** Field names by the path's shape, for the nearest name of an unknown field. */
export const knownFields: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(workloadSchema.entries),
  keys: Object.keys(keys.entries),
  'keys.bytes': Object.keys(histogram.entries),
  values: Object.keys(histogram.entries),
  distribution: Object.keys(popularity.entries),
  ttl: Object.keys(ttl.entries),
  'operations.*': Object.keys(operation.entries),
  'phases.*': Object.keys(phase.entries),
  source: Object.keys(source.entries),
}
