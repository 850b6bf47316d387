/** What one machine of several counted, as text: whole, to the last count, so that merging it is as if it had never left. */
import * as v from 'valibot'
import { describeError, refused } from '../errors.js'
import { histogramLength } from '../measure/latency-histogram.js'
import type { GeneratorRun } from '../measure/merge-runs.js'
import { addSparse, toSparse } from '../measure/sparse-counts.js'
import { printable } from '../printable.js'
import { phaseSchema, seriesSchema } from './bench-result-schema.js'

const schemaName = 'cachectl/generator-run/v1'

export function formatGeneratorRun({ counts, histograms }: GeneratorRun): string {
  const { cells, sendLag, source, ...rest } = counts
  return JSON.stringify({
    schema: schemaName,
    counts: {
      ...rest,
      cells: cells.map(({ service, response, ...place }) => ({
        ...place,
        service: encode(service),
        ...(response ? { response: encode(response) } : {}),
      })),
      ...(sendLag ? { sendLag: encode(sendLag) } : {}),
      ...(source
        ? { source: { ...source, queueing: encode(source.queueing), loading: encode(source.loading) } }
        : {}),
    },
    histograms: histograms.map(({ operations, nodes }) => ({
      operations: operations.map(toBase64),
      nodes: nodes.map(toBase64),
    })),
  })
}

const amount = v.pipe(v.number(), v.finite(), v.minValue(0))
const index = v.pipe(amount, v.integer())
const bytes = v.pipe(
  v.string(),
  v.transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
)
const histogram = v.pipe(
  bytes,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const counts = new Float64Array(histogramLength)
    try {
      addSparse(dataset.value, counts)
      return counts
    } catch (error) {
      addIssue({ message: describeError(error) })
      return NEVER
    }
  }),
)

const schema = v.object({
  schema: v.literal(schemaName),
  counts: v.object({
    mode: v.picklist(['closed', 'open']),
    nodeIds: v.array(v.string()),
    operationNames: v.array(v.string()),
    phases: v.array(phaseSchema),
    cells: v.array(
      v.object({
        phase: index,
        node: index,
        op: index,
        service: histogram,
        response: v.exactOptional(histogram),
      }),
    ),
    outcomes: v.array(
      v.object({
        phase: index,
        node: index,
        op: v.exactOptional(index),
        hits: index,
        misses: index,
        errors: index,
      }),
    ),
    errorKinds: v.record(v.string(), index),
    sendLag: v.exactOptional(histogram),
    verified: v.exactOptional(v.object({ values: index, wrong: index, stale: index })),
    source: v.exactOptional(
      v.object({
        loads: index,
        duplicateLoads: index,
        maxUnderWay: index,
        queueing: histogram,
        loading: histogram,
      }),
    ),
    generator: v.object({
      threadCpuShares: v.array(amount),
      hostNoise: v.object({ p999Ms: amount, maxMs: amount }),
    }),
    warmup: v.object({ seconds: amount, answered: index, steady: v.exactOptional(v.boolean()) }),
    series: seriesSchema,
  }),
  histograms: v.array(v.object({ operations: v.array(bytes), nodes: v.array(bytes) })),
})

/** Errors: `refused` for what is no run, or one that does not fit together. */
export function parseGeneratorRun(text: string): GeneratorRun {
  const fail = (why: string, cause?: unknown) =>
    refused(`not the counts of a run: ${printable(why, 200)}`, 'Another version wrote them.', cause)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw fail(describeError(error), error)
  }
  const parsed = v.safeParse(schema, value, { abortEarly: true })
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw fail(`${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`)
  }
  const { counts, histograms } = parsed.output
  const places = [...counts.cells, ...counts.outcomes]
  const fits = places.every(
    ({ phase, node, op = 0 }) =>
      phase < counts.phases.length && node < counts.nodeIds.length && op < counts.operationNames.length,
  )
  if (!fits) throw fail('counts of a node, operation or phase that it does not have')
  if (histograms.length !== counts.series.atSec.length) throw fail('a series without its histograms')
  return { counts, histograms }
}

function encode(counts: ArrayLike<number>): string {
  return toBase64(toSparse(counts))
}

function toBase64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}
