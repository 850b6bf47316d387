/**
 * A result on disk: what `--json` prints, and beside it all that was counted, so that another program, or a comparison
 * months later, can take any quantile of any part of the run. Read back, a run is the same to the last count.
 */
import { readFile, stat } from 'node:fs/promises'
import * as v from 'valibot'
import { CachectlError, describeError, invalid } from '../errors.js'
import { measureRun } from '../measure/bench-measures.js'
import type { BenchResult, RecordedRun, RunIdentity } from '../measure/bench-result.js'
import type { LatencyCell, OutcomeCell, RunCounts, SourceCounts } from '../measure/run-counts.js'
import { partOf, totalOf } from '../measure/run-part.js'
import { printable } from '../printable.js'
import { type ResultDocument, resultSchema } from './bench-result-schema.js'
import { decodeCacheCounts, type EncodedCacheCounts, encodeCacheCounts } from './cache-counts-json.js'
import { decodeHistogram, encodeHistogram } from './hdr-export.js'

/** An hour's run of 24 nodes takes about 10 MB. */
const maxFileBytes = 256 * 2 ** 20

export type ResultFileContent = BenchResult & {
  /** Of each operation, the main latency: base64 of HdrHistogram's V2 encoding. */
  readonly histograms: Readonly<Record<string, string>>
  readonly operationNames: readonly string[]
  readonly cells: readonly EncodedCell[]
  readonly outcomes: readonly NamedOutcome[]
  readonly sendLagHistogram?: string
  readonly sourceHistograms?: { readonly queueing: string; readonly loading: string }
  readonly cacheCounts?: EncodedCacheCounts
  readonly series: RunCounts['series']
}

/** Histograms of one operation at one node in one phase; `phase` counts `phases` from 0. */
interface EncodedCell {
  readonly phase: number
  readonly node: string
  readonly operation: string
  readonly service: string
  readonly response?: string
}

interface NamedOutcome {
  readonly phase: number
  readonly node: string
  readonly operation?: string
  readonly hits: number
  readonly misses: number
  readonly errors: number
}

export async function toResultFile(result: BenchResult, counts: RunCounts): Promise<ResultFileContent> {
  const histograms: Record<string, string> = {}
  for (const [op, name] of counts.operationNames.entries()) {
    const { latency } = partOf(counts, { op })
    if (totalOf(latency) > 0) histograms[name] = await encodeHistogram(latency)
  }
  const cells: EncodedCell[] = []
  for (const cell of counts.cells) {
    const { phase, node, op, service, response } = cell
    if (totalOf(service) === 0 && totalOf(response ?? []) === 0) continue
    cells.push({
      phase,
      node: counts.nodeIds[node]!,
      operation: counts.operationNames[op]!,
      service: await encodeHistogram(service),
      ...(response ? { response: await encodeHistogram(response) } : {}),
    })
  }
  const { sendLag, source, cache, nodeIds, operationNames, outcomes, series } = counts
  return {
    ...result,
    histograms,
    operationNames,
    cells,
    outcomes: outcomes.flatMap(({ phase, node, op, hits, misses, errors }): NamedOutcome[] => {
      if (hits + misses + errors === 0) return []
      const operation = op === undefined ? {} : { operation: operationNames[op]! }
      return [{ phase, node: nodeIds[node]!, ...operation, hits, misses, errors }]
    }),
    ...(sendLag ? { sendLagHistogram: await encodeHistogram(sendLag) } : {}),
    ...(source ? { sourceHistograms: await encodeSource(source) } : {}),
    ...(cache ? { cacheCounts: await encodeCacheCounts(cache) } : {}),
    series,
  }
}

async function encodeSource({ queueing, loading }: SourceCounts) {
  return { queueing: await encodeHistogram(queueing), loading: await encodeHistogram(loading) }
}

/** Errors: `invalid`, naming the file and the field. */
export async function readBenchResult(path: string): Promise<RecordedRun> {
  const document = parseResult(path, await readText(path))
  try {
    const counts = await decodeCounts(document)
    return { ...identityOf(document), name: printable(path), ...measureRun(counts) }
  } catch (error) {
    if (!(error instanceof CachectlError)) throw error
    throw invalid(`result ${printable(path)}: ${error.message}`, 'The file is damaged.', error)
  }
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size <= maxFileBytes) return await readFile(path, 'utf8')
  } catch (error) {
    throw invalid(`result ${printable(path)}: ${describeError(error)}`, undefined, error)
  }
  throw invalid(`result ${printable(path)}: larger than ${maxFileBytes / 2 ** 20} MiB, so no result of ours`)
}

const remedy = '`cachectl bench --out FILE` writes results that can be compared.'

function parseResult(path: string, text: string): ResultDocument {
  const fail = (problem: string, cause?: unknown) =>
    invalid(`result ${printable(path)}: ${problem}`, remedy, cause)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw fail(`not JSON: ${describeError(error)}`, error)
  }
  const parsed = v.safeParse(resultSchema, json, { abortEarly: true })
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  const field = v.getDotPath(issue)
  throw fail(field === null ? issue.message : `${printable(field)}: ${issue.message}`)
}

function identityOf(document: ResultDocument): RunIdentity {
  const { topology, seed, configuration, machine, servers, serverSettings, interrupted, warnings } = document
  return { topology, seed, configuration, machine, servers, serverSettings, interrupted, warnings }
}

async function decodeCounts(document: ResultDocument): Promise<RunCounts> {
  const decode = async (text: string, field: string) => {
    try {
      return await decodeHistogram(text)
    } catch (error) {
      throw invalid(`${field}: not a histogram of HdrHistogram's V2 encoding (${describeError(error)})`)
    }
  }
  const nodeIds = Object.keys(document.nodes)
  const { operationNames, phases, sendLagHistogram, sourceHistograms, source, verified } = document
  const place = (field: string, part: { phase: number; node: string; operation?: string | undefined }) => {
    const node = nodeIds.indexOf(part.node)
    const op = part.operation === undefined ? 0 : operationNames.indexOf(part.operation)
    if (node < 0 || op < 0 || part.phase >= phases.length)
      throw invalid(`${field}: of a node, operation or phase that the file does not have`)
    return { phase: part.phase, node, op }
  }
  const cells: LatencyCell[] = []
  for (const [index, cell] of document.cells.entries()) {
    const { service, response } = cell
    cells.push({
      ...place(`cells.${index}`, cell),
      service: await decode(service, `cells.${index}.service`),
      ...(response ? { response: await decode(response, `cells.${index}.response`) } : {}),
    })
  }
  const outcomes = document.outcomes.map((outcome, index): OutcomeCell => {
    const { hits, misses, errors } = outcome
    const { op, ...at } = place(`outcomes.${index}`, outcome)
    return { ...at, ...(outcome.operation === undefined ? {} : { op }), hits, misses, errors }
  })
  return {
    mode: document.mode,
    nodeIds,
    operationNames,
    phases,
    cells,
    outcomes,
    errorKinds: document.errorKinds,
    ...(verified ? { verified } : {}),
    ...(sendLagHistogram ? { sendLag: await decode(sendLagHistogram, 'sendLagHistogram') } : {}),
    ...(source && sourceHistograms
      ? {
          source: {
            ...source,
            queueing: await decode(sourceHistograms.queueing, 'sourceHistograms.queueing'),
            loading: await decode(sourceHistograms.loading, 'sourceHistograms.loading'),
          },
        }
      : {}),
    ...(document.cacheCounts ? { cache: await decodeCacheCounts(document.cacheCounts) } : {}),
    generator: document.generator,
    warmup: document.warmup,
    ...(document.agents ? { agents: document.agents } : {}),
    series: document.series,
  }
}
