/** What `cache verify` is wired from: the cache as a reader, its source of truth, and the keys to look at. */
import { createReadStream } from 'node:fs'
import type { Codec } from './cache/codec.js'
import { compressed } from './cache/codecs/compressed.js'
import { jsonCodec } from './cache/codecs/json.js'
import { messagePackCodec } from './cache/codecs/message-pack.js'
import { consistencyOf } from './cache/consistency.js'
import { lookName } from './cache/ports.js'
import type { Difference } from './cache/verify.js'
import { createVerifier } from './cache/verify.js'
import { systemClock } from './clock.js'
import { describeError, invalid, registerSecret } from './errors.js'
import { readKeys } from './files/key-stream.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import { createCache, openPresentRing } from './open-cache.js'
import type { ProgressPort } from './operations/ports.js'
import { sampleKeys, verifyKeys } from './operations/verify-cache.js'
import { printable } from './printable.js'
import { createRandom, freshSeed } from './random.js'
import { withNodeKeys } from './redis/node-keys.js'
import { openConnection } from './redis/resp-connection.js'
import type { CacheVerifyFacts } from './terminal/cache-verify.js'

const codecs: Readonly<Record<string, () => Codec<unknown>>> = {
  json: jsonCodec,
  messagepack: messagePackCodec,
  'json+compressed': () => compressed(jsonCodec()),
  'messagepack+compressed': () => compressed(messagePackCodec()),
}
export const codecNames: readonly string[] = Object.keys(codecs)

export interface CacheVerifyRequest {
  readonly file: TopologyFile
  readonly namespace: string
  /** Absent: PGHOST, PGDATABASE and so on. */
  readonly sourceUrl: string | undefined
  readonly table: string
  readonly schema: string | undefined
  readonly keyColumn: string
  readonly valueColumn: string | undefined
  readonly columns: readonly string[] | undefined
  /** One of `codecNames`. */
  readonly codec: string
  /** A file of keys, one a line; absent: sampled on the nodes. */
  readonly keysPath: string | undefined
  readonly sampleCount: number
  readonly withinMs: number
  readonly ratePerSec: number
  readonly listLimit: number
  readonly failBelow: number | undefined
}

/** Errors: `invalid`, `refused` and `unreachable` of the nodes and of PostgreSQL. */
export async function verifyCache(
  request: CacheVerifyRequest,
  { progress, signal }: { readonly progress: ProgressPort; readonly signal: AbortSignal },
): Promise<CacheVerifyFacts> {
  const { file, namespace, withinMs, ratePerSec, failBelow } = request
  const { source, asCachectlError } = await openSource(request)
  const ring = await openPresentRing(file)
  const cache = createCache<unknown>({
    ...{ ring, namespace, ttl: '1m', l1: false, codec: codecs[request.codec]!() },
    // nobody waits for these answers: a slow node is no failure
    timeout: { l2: '5s' },
  })
  const differences: Difference<unknown>[] = []
  let failure: unknown
  const verifier = createVerifier(cache, {
    load: (key, context) => source.load(key, context),
    within: withinMs,
    onDifference: (difference) => {
      if (differences.length < request.listLimit) differences.push(difference)
    },
    onFailure: (_, error) => {
      failure = error
    },
  })
  const ports = { verifier, clock: systemClock, progress, signal }
  try {
    const keys = await keysOf(request, { progress, signal })
    const firstFailure = () => asCachectlError(failure)
    const run = await verifyKeys({ keys, ratePerSec, firstFailure }, ports)
    const { counts } = verifier
    return {
      ...{ topology: file.topology.name, namespace, withinMs, failBelow, counts, differences, run },
      consistency: consistencyOf(counts),
      failure: failure === undefined ? undefined : describeError(asCachectlError(failure)),
    }
  } finally {
    progress.end()
    await cache.close()
    await Promise.all([ring.close(), source.close()])
  }
}

async function openSource(request: CacheVerifyRequest) {
  const { sourceUrl, table, schema, keyColumn, valueColumn, columns } = request
  if (sourceUrl !== undefined) checkUrl(sourceUrl)
  registerSecret(process.env.PGPASSWORD ?? '')
  const [{ postgresSource }, { asCachectlError }] = await Promise.all([
    import('./sources/postgres.js'),
    import('./sources/postgres-errors.js'),
  ]).catch((error: unknown) => {
    throw invalid('PostgreSQL needs the package pg, which is not installed', 'Run: npm install pg', error)
  })
  const source = postgresSource<unknown>({
    ...{ table, keyColumn },
    ...(sourceUrl === undefined ? {} : { connectionString: sourceUrl }),
    ...(schema === undefined ? {} : { schema }),
    ...(valueColumn === undefined ? {} : { valueColumn }),
    ...(columns === undefined ? {} : { columns }),
  })
  return { source, asCachectlError }
}

/** Other users of a machine see the arguments of a process. */
function checkUrl(text: string): void {
  const remedy = 'Give postgres://USER@HOST:PORT/DATABASE, and the password in PGPASSWORD or ~/.pgpass.'
  if (!URL.canParse(text) || !/^postgres(?:ql)?:$/.test(new URL(text).protocol))
    throw invalid(`--source ${printable(text, 80)}: expected a postgres:// URL`, remedy)
  const { password, searchParams } = new URL(text)
  registerSecret(password)
  if (password || searchParams.has('password'))
    throw invalid('--source: a password on the command line is seen by others', remedy)
}

async function keysOf(
  { file: { topology }, namespace, keysPath, sampleCount }: CacheVerifyRequest,
  { progress, signal }: { readonly progress: ProgressPort; readonly signal: AbortSignal },
): Promise<string[]> {
  if (keysPath !== undefined) {
    const keys = new Set<string>()
    const stream = keysPath === '-' ? process.stdin : createReadStream(keysPath)
    try {
      for await (const key of readKeys(stream, 'line')) keys.add(key.toString())
    } catch (error) {
      throw invalid(`--keys ${printable(keysPath)}: ${describeError(error)}`, undefined, error)
    }
    return [...keys]
  }
  const accesses = await readAccess(topology.nodes, process.env)
  const options = { clock: systemClock, signal, operatorName: lookName, open: openConnection }
  const sample = { nodes: topology.nodes.map(({ id }) => id), prefix: `${namespace}:`, count: sampleCount }
  return withNodeKeys(accesses, options, (keys) =>
    sampleKeys(sample, { keys, progress, signal, random: createRandom(freshSeed()) }),
  )
}
