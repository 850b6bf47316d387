/** INFO and CONFIG of the nodes through ioredis: the control plane, a handful of commands a node. */
import type { Redis } from 'ioredis'
import { lookName } from '../cache/ports.js'
import { systemClock } from '../clock.js'
import { CachectlError, describeError, unreachable } from '../errors.js'
import type { NodeAccess, NodeFacts, ServerFacts } from '../operations/ports.js'
import { ReplyError } from './resp.js'
import { replyFailure } from './resp-connection.js'
import { connectionError, defaultConnectTimeoutMs } from './socket.js'
import { tlsOptions } from './tls-options.js'

/** Asks all nodes at once; a node that fails is a fact too. */
export async function gatherFacts(accesses: readonly NodeAccess[]): Promise<NodeFacts[]> {
  return Promise.all(
    accesses.map(async (access): Promise<NodeFacts> => {
      try {
        return { reachable: true, ...(await readFacts(access)) }
      } catch (error) {
        const remedy = error instanceof CachectlError ? error.remedy : undefined
        return { reachable: false, problem: describeError(error), ...(remedy ? { remedy } : {}) }
      }
    }),
  )
}

/** Errors: `unreachable` or `refused`, naming the node, the cause and the remedy. */
export async function readFacts(access: NodeAccess): Promise<ServerFacts> {
  return withClient(access, async (client) => {
    const askedMs = systemClock.wallMs()
    const [seconds, microseconds] = await client.time()
    const clockOffsetMs =
      Number(seconds) * 1000 + Number(microseconds) / 1000 - (askedMs + systemClock.wallMs()) / 2
    const info = parseInfo(await client.info())
    const [policy, maxClients, ioThreads] = await Promise.all([
      readSetting(client, 'maxmemory-policy'),
      readSetting(client, 'maxclients'),
      readSetting(client, 'io-threads'),
    ])
    const product = info.server_name === 'valkey' ? 'Valkey' : 'Redis'
    return {
      version: `${product} ${info.valkey_version ?? info.redis_version ?? 'of unknown version'}`,
      runId: info.run_id ?? '',
      role: info.role === 'slave' || info.role === 'replica' ? 'replica' : 'master',
      keyCount: keysOf(info[`db${access.node.db}`]),
      usedMemoryBytes: Number(info.used_memory ?? 0),
      maxmemoryBytes: Number(info.maxmemory ?? 0),
      evictionPolicy: info.maxmemory_policy ?? policy ?? 'unknown',
      connectedReplicas: Number(info.connected_slaves ?? 0),
      evictedKeys: Number(info.evicted_keys ?? 0),
      ioThreads: ioThreads === undefined ? null : Number(ioThreads),
      appendOnly: info.aof_enabled === '1',
      maxClients: Number(info.maxclients ?? maxClients ?? 10_000),
      clockOffsetMs,
      keyBytes: await sampleKeyBytes(client),
    }
  })
}

/** Lends a connected client; no retry, no offline queue, no resend: a failure is reported, not repeated. */
export async function withClient<T>(access: NodeAccess, body: (client: Redis) => Promise<T>): Promise<T> {
  const { Redis } = await import('ioredis')
  const { node, password } = access
  const endpoint =
    node.address.kind === 'unix'
      ? { path: node.address.path }
      : { host: node.address.host, port: node.address.port }
  const tls = node.tls ? await tlsOptions(node, node.tls) : undefined
  const client = new Redis({
    ...endpoint,
    ...(tls ? { tls } : {}),
    ...(node.username ? { username: node.username } : {}),
    ...(password === undefined ? {} : { password }),
    db: node.db,
    protocol: 2,
    connectionName: lookName,
    lazyConnect: true,
    connectTimeout: defaultConnectTimeoutMs,
    commandTimeout: 10_000,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => null,
  })
  let failure: unknown
  client.on('error', (error) => {
    failure ??= error
  })
  try {
    await client.connect()
    return await body(client)
  } catch (error) {
    throw asOurs(access, failure ?? error)
  } finally {
    // on a socket that has closed already, ioredis would wait two seconds for it to close
    if (client.status !== 'end') client.disconnect()
  }
}

function asOurs(access: NodeAccess, error: unknown): CachectlError {
  if (error instanceof CachectlError) return error
  const text = error instanceof Error ? error.message : String(error)
  const code = /^[A-Z]{3,}(?= )/.exec(text)?.[0]
  if (code) return replyFailure(access, 'INFO', new ReplyError(code, text))
  return error instanceof Error ? connectionError(access.node, error) : unreachable(describeError(error))
}

/** undefined where the user may not read the configuration: a managed server, or a narrow ACL. */
async function readSetting(client: Redis, name: string): Promise<string | undefined> {
  const reply = await client.config('GET', name).catch((error: Error) => error)
  return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : undefined
}

function parseInfo(text: string): Record<string, string> {
  const fields: Record<string, string> = Object.create(null)
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1)
  }
  return fields
}

function keysOf(keyspace: string | undefined): number {
  return Number(/keys=(\d+)/.exec(keyspace ?? '')?.[1] ?? 0)
}

const sampledKeys = 32

/** The mean of MEMORY USAGE over a few random keys; 0 where there are none or the user may not ask. */
async function sampleKeyBytes(client: Redis): Promise<number> {
  const drawn = await client
    .pipeline(Array.from({ length: sampledKeys }, () => ['callBuffer', 'RANDOMKEY']))
    .exec()
  const keys = (drawn ?? []).flatMap(([error, key]) => (!error && Buffer.isBuffer(key) ? [key] : []))
  if (keys.length === 0) return 0
  const sized = await client.pipeline(keys.map((key) => ['call', 'MEMORY', 'USAGE', key])).exec()
  const sizes = (sized ?? []).flatMap(([error, bytes]) =>
    !error && typeof bytes === 'number' ? [bytes] : [],
  )
  return sizes.length === 0 ? 0 : sizes.reduce((sum, bytes) => sum + bytes, 0) / sizes.length
}
