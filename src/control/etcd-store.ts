/**
 * The control store of a fleet: etcd 3 over its JSON gateway (https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/).
 * The fencing token is the revision that created the lease's key, which only ever grows.
 */
import type { ControlStore, Lease, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { describeError, refused, unreachable } from '../errors.js'
import { printable } from '../printable.js'
import { parseClient, parseRingState } from './records.js'

export interface EtcdAccess {
  /** `http://host:2379` or `https://…`, without credentials. */
  readonly endpoint: string
  readonly username?: string
  readonly password?: string
}

interface KeyValue {
  readonly key: string
  readonly value: string
  readonly mod_revision: string
}
interface Answer {
  readonly header?: { readonly revision: string }
  readonly kvs?: readonly KeyValue[]
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly KeyValue[] } }[]
  readonly ID?: string
  readonly token?: string
  readonly result?: { readonly TTL?: string }
}

const leaseSeconds = 5
const timeoutMs = 5_000
const retryMs = 500

/** `ring` separates rings that share an etcd. */
export function createEtcdStore(access: EtcdAccess, ring: string, clock: Clock): ControlStore {
  const base = `/cachectl/${encodeURIComponent(ring)}`
  const key = (part: string) => encode(`${base}/${part}`)
  const post = createPost(access)
  const load = async (): Promise<StoredState | undefined> => {
    const { kvs } = await post('/v3/kv/range', { key: key('state') })
    const found = kvs?.[0]
    if (!found) return undefined
    return { revision: found.mod_revision, state: parseRingState(decode(found.value), `${base}/state`) }
  }
  return {
    name: access.endpoint,
    load,
    async compareAndSwap(expected, next) {
      const { succeeded, header } = await post('/v3/kv/txn', {
        compare: [{ target: 'MOD', key: key('state'), mod_revision: expected?.revision ?? '0' }],
        success: [{ request_put: { key: key('state'), value: encode(JSON.stringify(next)) } }],
      })
      return succeeded ? { revision: header!.revision, state: next } : undefined
    },
    watch: (signal) => watch({ access, key: key('state'), load, post, clock, signal }),
    async acquireLease(holder) {
      const { ID: id } = await post('/v3/lease/grant', { TTL: leaseSeconds })
      const { succeeded, header, responses } = await post('/v3/kv/txn', {
        compare: [{ target: 'CREATE', key: key('lease'), create_revision: '0' }],
        success: [{ request_put: { key: key('lease'), value: encode(holder), lease: id } }],
        failure: [{ request_range: { key: key('lease') } }],
      })
      if (succeeded) return leaseOf(post, id!, Number(header!.revision))
      await post('/v3/lease/revoke', { ID: id })
      const other = responses?.[0]?.response_range?.kvs?.[0]?.value
      throw refused(
        `the ring is being changed by ${printable(other ? decode(other) : 'another operator')} (${access.endpoint})`,
        'Wait until it has ended; `cachectl ring status` shows how far it is.',
      )
    },
    async putClient(client) {
      await post('/v3/kv/put', { key: key(`clients/${client.id}`), value: encode(JSON.stringify(client)) })
    },
    async removeClient(id) {
      await post('/v3/kv/deleterange', { key: key(`clients/${id}`) })
    },
    async clients() {
      const { kvs } = await post('/v3/kv/range', {
        key: key('clients/'),
        range_end: encode(`${base}/clients0`),
      })
      return (kvs ?? []).map(({ value }) => parseClient(decode(value)))
    },
    close: async () => {},
  }
}

type Post = (path: string, body: object) => Promise<Answer>

function leaseOf(post: Post, id: string, token: number): Lease {
  return {
    token,
    renew: async () => Number((await post('/v3/lease/keepalive', { ID: id })).result?.TTL ?? 0) > 0,
    release: async () => {
      await post('/v3/lease/revoke', { ID: id })
    },
  }
}

function createPost(access: EtcdAccess): Post {
  let token: Promise<string | undefined> | undefined
  const send = async (path: string, body: object, authorization: string | undefined): Promise<Answer> => {
    try {
      const response = await fetch(new URL(path, access.endpoint), {
        method: 'POST',
        body: JSON.stringify(body),
        headers: authorization ? { authorization } : {},
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 200)}`)
      return JSON.parse(text) as Answer
    } catch (error) {
      const cause = error instanceof Error && error.cause ? error.cause : error
      throw unreachable(
        `control store ${access.endpoint}: ${describeError(cause)}`,
        'Is etcd running there?',
        error,
      )
    }
  }
  const logIn = async () => {
    const { username, password } = access
    if (username === undefined) return undefined
    return (await send('/v3/auth/authenticate', { name: username, password }, undefined)).token
  }
  return async (path, body) => {
    token ??= logIn()
    const authorization = await token.catch((error: unknown) => {
      token = undefined
      throw error
    })
    return send(path, body, authorization)
  }
}

interface Watch {
  readonly access: EtcdAccess
  readonly key: string
  readonly load: () => Promise<StoredState | undefined>
  readonly post: Post
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Every event is only a hint to read: so a compacted, cut or restarted stream loses nothing. */
async function* watch(run: Watch): AsyncGenerator<StoredState> {
  let seen: string | undefined
  while (!run.signal.aborted) {
    const stored = await run.load()
    if (stored && stored.revision !== seen) {
      seen = stored.revision
      yield stored
    }
    await nextEvent(run, seen)
  }
}

/** Resolves at the next change after the revision, when the stream ends for any reason, or after a while. */
async function nextEvent({ access, key, clock, signal }: Watch, seen: string | undefined): Promise<void> {
  const request: Record<string, string> = { key }
  if (seen !== undefined) request.start_revision = String(BigInt(seen) + 1n)
  const abort = AbortSignal.any([signal, AbortSignal.timeout(30_000)])
  try {
    const response = await fetch(new URL('/v3/watch', access.endpoint), {
      method: 'POST',
      body: JSON.stringify({ create_request: request }),
      signal: abort,
    })
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString('latin1')
      // the first line says that the watch is made; anything after it is news
      const made = text.indexOf('\n')
      if (made >= 0 && text.length > made + 1) return
      if (text.includes('"canceled":true')) return
    }
  } catch {
    // the stream was cut or the store is away: wait a little, and the next read tells
    await clock.sleep(retryMs, signal).catch(() => undefined)
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
