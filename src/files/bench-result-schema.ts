/**
 * What is needed of a result file to make the run of it again. Fields that are not named here are for other programs; a
 * file of a later version of the same schema has more of them.
 */
import * as v from 'valibot'
import { benchSchema } from '../measure/bench-result.js'
import { cacheCountsSchema } from './cache-counts-json.js'

const text = v.string('expected a text')
const amount = v.pipe(
  v.number('expected a number'),
  v.finite('expected a number'),
  v.minValue(0, 'expected 0 or more'),
)
const index = v.pipe(amount, v.integer('expected a whole number'))
const texts = v.array(text, 'expected a list')
const amounts = v.array(amount, 'expected a list of numbers')
const known = v.array(v.nullable(amount), 'expected a list of numbers or null')
const record = <T extends v.GenericSchema>(value: T) => v.record(text, value, 'expected an object')
const histogram = v.pipe(
  v.string('expected a histogram in base64'),
  v.nonEmpty('expected a histogram in base64'),
)

const schema = v.custom<typeof benchSchema>(
  (value) => value === benchSchema,
  ({ input }) =>
    typeof input === 'string' && /^cachectl\/bench\/v\d+$/.test(input)
      ? `${input} is of a newer version of cachectl; this one reads ${benchSchema}`
      : `expected ${benchSchema}: not the result of a bench run`,
)

export const phaseSchema = v.object({
  name: text,
  seconds: amount,
  offered: index,
  unsent: index,
  unanswered: index,
  late: index,
  heldBackSeconds: amount,
})

const nodeSeries = v.object({
  answered: amounts,
  hits: amounts,
  misses: amounts,
  errors: amounts,
  p99Ms: amounts,
  usedMemoryBytes: known,
  evicted: known,
  cpuShare: known,
})

export const seriesSchema = v.pipe(
  v.object({
    atSec: amounts,
    phase: amounts,
    offered: amounts,
    answered: amounts,
    hits: amounts,
    misses: amounts,
    errors: amounts,
    p50Ms: amounts,
    p99Ms: amounts,
    p999Ms: amounts,
    maxMs: amounts,
    nodes: record(nodeSeries),
  }),
  v.check(({ nodes, ...columns }) => {
    const all = [...Object.values(columns), ...Object.values(nodes).flatMap((node) => Object.values(node))]
    return all.every((column) => column.length === columns.atSec.length)
  }, 'expected columns of one length'),
)

const serverSettings = v.object({
  version: text,
  maxmemoryBytes: amount,
  evictionPolicy: text,
  ioThreads: v.nullable(amount),
  appendOnly: v.boolean('expected true or false'),
})

const nullableNumber = v.nullable(v.pipe(v.number('expected a number'), v.finite('expected a number')))
const agent = v.object({
  name: text,
  cores: index,
  node: text,
  clockOffsetMs: nullableNumber,
  clockErrorMs: nullableNumber,
  startLagMs: nullableNumber,
  lost: v.nullable(text),
  isCounted: v.boolean('expected true or false'),
})

const entries = {
  schema,
  topology: text,
  mode: v.picklist(['closed', 'open'], 'expected closed or open'),
  seed: amount,
  interrupted: v.boolean('expected true or false'),
  warnings: texts,
  configuration: record(v.union([text, v.number(), v.boolean()], 'expected a text, a number, true or false')),
  machine: v.object({ platform: text, cpu: text, cores: amount, memoryBytes: amount, node: text }),
  servers: record(text),
  serverSettings: v.optional(record(serverSettings), {}),
  errorKinds: record(index),
  verified: v.optional(v.nullable(v.object({ values: index, wrong: index, stale: index })), null),
  generator: v.object({
    threadCpuShares: amounts,
    hostNoise: v.object({ p999Ms: amount, maxMs: amount }),
  }),
  source: v.optional(v.nullable(v.object({ loads: index, duplicateLoads: index, maxUnderWay: index })), null),
  agents: v.exactOptional(v.array(agent, 'expected a list')),
  warmup: v.object({
    seconds: amount,
    answered: v.optional(index, 0),
    steady: v.exactOptional(v.boolean('expected true or false')),
  }),
  nodes: record(v.looseObject({})),
  phases: v.array(phaseSchema, 'expected a list'),
  operationNames: v.array(text, 'expected a list'),
  cells: v.array(
    v.object({
      phase: index,
      node: text,
      operation: text,
      service: histogram,
      response: v.optional(histogram),
    }),
    'expected a list',
  ),
  outcomes: v.array(
    v.object({
      phase: index,
      node: text,
      operation: v.optional(text),
      hits: index,
      misses: index,
      errors: index,
    }),
    'expected a list',
  ),
  sendLagHistogram: v.optional(histogram),
  sourceHistograms: v.optional(v.object({ queueing: histogram, loading: histogram })),
  cacheCounts: v.optional(cacheCountsSchema),
  series: seriesSchema,
}

/** Named where a whole field is not there. */
export const resultSchema = v.object(entries, ({ expected, received }) =>
  received === 'undefined' && expected?.startsWith('"')
    ? 'is missing; --out writes results with all that was counted, --json does not'
    : 'expected an object',
)

export type ResultDocument = v.InferOutput<typeof resultSchema>
