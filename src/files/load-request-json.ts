/**
 * A load as text, for machines that run parts of it. Everything goes along but a trace: that must lie at the same path on
 * each of them, and is looked at to be the same. Passwords are not in a load; each machine reads its own.
 */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { describeError, invalid, refused } from '../errors.js'
import type { LoadKeysSpec, LoadRequest } from '../operations/ports.js'
import { printable } from '../printable.js'
import { algorithms, hashNames } from '../ring/topology.js'
import type { SourceSpec } from '../workload/requests.js'
import type { Trace } from './trace-file.js'

/** What a machine reads in place of columns that are too large to send. */
interface TraceReference {
  readonly path: string
  readonly digest: string
}

/** `tracePath`: the file that the load's keys are from. */
export function formatLoadRequest(request: LoadRequest, tracePath?: string): string {
  const { keys, source } = request
  const reference = keys.kind === 'named' ? { path: tracePath ?? '', digest: traceDigest(keys) } : undefined
  if (reference?.path === '') throw new Error('a load with the keys of a trace, and no path of the trace')
  return JSON.stringify(
    {
      ...plain(request),
      ...(reference ? { trace: reference } : {}),
      keys: keys.kind === 'named' ? { kind: 'named', prefix: keys.prefix } : keys,
      source: source.kind === 'trace' ? { ...source, trace: null } : source,
    },
    replace,
  )
}

/** A load is often part of more: of a bench run, with its gates. */
function plain(request: LoadRequest): Omit<LoadRequest, 'keys' | 'source' | 'share'> {
  const { topology, operations, seed, connections, pipeline, threads, warmup, phases, requestLimit } = request
  const { maxInFlight, pace, verify, sourceOfTruth, watchNodes } = request
  return {
    topology,
    operations,
    seed,
    connections,
    pipeline,
    threads,
    warmup,
    phases,
    requestLimit,
    maxInFlight,
    pace,
    verify,
    ...(sourceOfTruth ? { sourceOfTruth } : {}),
    watchNodes,
  }
}

/** JSON has no infinity and no typed arrays. */
function replace(_: string, value: unknown): unknown {
  if (value === Number.POSITIVE_INFINITY) return { $number: 'Infinity' }
  if (value instanceof Uint16Array)
    return { $uint16: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  return value
}

function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$number' in value) return Number.POSITIVE_INFINITY
  if (!('$uint16' in value)) return value
  const bytes = Buffer.from(String(value.$uint16), 'base64')
  // shared, so that threads have one copy
  const table = new Uint16Array(new SharedArrayBuffer(bytes.length - (bytes.length % 2)))
  new Uint8Array(table.buffer).set(bytes.subarray(0, table.byteLength))
  return table
}

const whole = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max))
const kinded = <T extends string>(...kinds: readonly T[]) => v.looseObject({ kind: v.picklist(kinds) })

const schema = v.looseObject({
  topology: v.object({
    name: v.string(),
    ring: v.looseObject({ algorithm: v.picklist(algorithms), hash: v.picklist(hashNames) }),
    nodes: v.pipe(
      v.array(v.looseObject({ id: v.string(), url: v.string(), address: kinded('tcp', 'unix') })),
      v.minLength(1),
      v.maxLength(10_000),
    ),
  }),
  keys: kinded('numbered', 'named'),
  operations: v.array(v.looseObject({ name: v.string(), kind: v.string(), keyspace: v.string() })),
  source: kinded('mix', 'every-key', 'trace'),
  seed: v.number(),
  connections: whole(100_000),
  pipeline: whole(1_000),
  threads: v.pipe(whole(64), v.minValue(1)),
  warmup: kinded('time', 'detect'),
  phases: v.pipe(
    v.array(
      v.looseObject({ name: v.string(), durationMs: v.number(), rate: kinded('max', 'open', 'trace') }),
    ),
    v.minLength(1),
  ),
  requestLimit: whole(Number.MAX_SAFE_INTEGER),
  maxInFlight: whole(10_000_000),
  pace: v.picklist(['exact', 'low-cpu']),
  verify: v.boolean(),
  watchNodes: v.boolean(),
  trace: v.optional(v.object({ path: v.string(), digest: v.string() })),
})

/**
 * `readTrace` is asked for the trace that the load names. Errors: `refused` for what is no load; `invalid` where the trace
 * can't be read here or is another one.
 */
export async function parseLoadRequest(
  text: string,
  readTrace: (path: string) => Promise<Trace>,
): Promise<LoadRequest> {
  const { trace: reference, ...request } = parse(text)
  if (!reference) return request
  const { requests, names, ends } = await readTrace(reference.path)
  const keys: LoadKeysSpec = { kind: 'named', prefix: request.keys.prefix, names, ends }
  if (traceDigest(keys) !== reference.digest)
    throw invalid(
      `trace ${printable(reference.path)}: not the file that the run was started with`,
      'Copy the same file to the same path on every machine.',
    )
  const source: SourceSpec =
    request.source.kind === 'trace' ? { ...request.source, trace: requests } : request.source
  return { ...request, keys, source }
}

function parse(text: string): LoadRequest & { readonly trace?: TraceReference } {
  const fail = (why: string, cause?: unknown) =>
    refused(`not a load that this version knows: ${printable(why)}`, 'Another version wrote it.', cause)
  let value: unknown
  try {
    value = JSON.parse(text, revive)
  } catch (error) {
    throw fail(describeError(error), error)
  }
  const parsed = v.safeParse(schema, value, { abortEarly: true })
  if (parsed.success) return value as LoadRequest & { readonly trace?: TraceReference }
  const [issue] = parsed.issues
  throw fail(`${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`)
}

/** Of the keys, whole where they are few, else of pieces: enough to tell another trace, soon enough to not hold up a run. */
function traceDigest({ names, ends }: { names: Uint8Array; ends: Uint32Array }): string {
  const hash = createHash('sha256').update(`${names.length} ${ends.length}`)
  const ends8 = new Uint8Array(ends.buffer, ends.byteOffset, ends.byteLength)
  const pieceBytes = 2 ** 16
  const pieces = 64
  for (const bytes of [names, ends8]) {
    const step = Math.max(pieceBytes, Math.ceil(bytes.length / pieces))
    for (let at = 0; at < bytes.length; at += step) hash.update(bytes.subarray(at, at + pieceBytes))
  }
  return hash.digest('hex')
}
