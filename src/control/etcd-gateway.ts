/**
 * Requests to etcd 3 over its JSON gateway (https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/): logged in where a user
 * is given, and at another member when one does not answer.
 */
import type { CachectlError } from '../errors.js'
import { describeError, refused, unreachable } from '../errors.js'

export interface EtcdAccess {
  /** `http://host:2379` or `https://…` of each member, without credentials. */
  readonly endpoints: readonly string[]
  readonly username?: string
  readonly password?: string
}

export interface KeyValue {
  readonly key: string
  readonly value: string
  readonly mod_revision: string
}
export interface Answer {
  readonly header?: { readonly revision: string }
  readonly kvs?: readonly KeyValue[]
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly KeyValue[] } }[]
  readonly ID?: string
  readonly token?: string
  readonly result?: { readonly TTL?: string }
}

export interface EtcdGateway {
  /** For messages. */
  readonly name: string
  post(path: string, body: object): Promise<Answer>
  /** An answer that goes on until the signal ends it; undefined when it was refused. */
  stream(path: string, body: object, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>
}

/** What etcd says when it knows our token no longer: it expires, and a restart forgets it. */
const staleToken = /invalid auth token|revision of auth store is old/
/** gRPC: unknown transport failure, deadline, unavailable (no leader, leader changed, time-outs within etcd). */
const awayCodes = new Set([4, 14])
/** Nothing was sent. */
const unsentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'EACCES',
])
/** With one member there is nothing to gain from giving up; with several a lease of 5 s must outlive one that is silent. */
const timeoutMs = { alone: 5_000, oneOfSeveral: 1_500 }

class StaleToken extends Error {}

/** This member does not serve now. */
class Away extends Error {
  constructor(
    readonly isUnsent: boolean,
    cause: unknown,
  ) {
    super('away', { cause })
  }
}

export function createEtcdGateway(access: EtcdAccess): EtcdGateway {
  const { endpoints } = access
  const name = endpoints.join(',')
  let current = 0
  const turnFrom = (endpoint: string) => {
    if (endpoints[current] === endpoint) current = (current + 1) % endpoints.length
  }
  /** `body` at the member that answered last, then at the others in turn. */
  const atAnyMember = async <T>(canRepeat: boolean, act: (endpoint: string) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      const endpoint = endpoints[current]!
      try {
        return await act(endpoint)
      } catch (error) {
        if (!(error instanceof Away)) throw error
        turnFrom(endpoint)
        if (attempt < endpoints.length && (canRepeat || error.isUnsent)) continue
        throw unreachable(
          `control store ${endpoint}: ${describeError(error.cause)}`,
          endpoints.length > 1 ? `Is etcd running on ${name}?` : 'Is etcd running there?',
          error.cause,
        )
      }
    }
  }
  const send = (endpoint: string, path: string, request: Request) =>
    sendOnce(new URL(path, endpoint), {
      timeoutMs: endpoints.length > 1 ? timeoutMs.oneOfSeveral : timeoutMs.alone,
      ...request,
    })

  let token: Promise<string | undefined> | undefined
  const logIn = async (): Promise<string | undefined> => {
    const { username, password } = access
    if (username === undefined) return undefined
    const body = { name: username, password }
    return atAnyMember(
      true,
      async (endpoint) => (await send(endpoint, '/v3/auth/authenticate', { body })).token,
    )
  }
  const authorization = async (): Promise<string | undefined> => {
    token ??= logIn()
    const logged = token
    return logged.catch((error: unknown) => {
      if (token === logged) token = undefined
      throw error
    })
  }
  /** Logs in again once where the token has become stale: the request was refused, so it may be sent again. */
  const loggedIn = async <T>(act: (authorization: string | undefined) => Promise<T>): Promise<T> => {
    const used = await authorization()
    try {
      return await act(used)
    } catch (error) {
      if (!(error instanceof StaleToken)) throw error
      if ((await authorization()) === used) token = undefined
      return await act(await authorization())
    }
  }

  return {
    name,
    // a transaction compares: sent twice, the second answer would deny what the first has done
    post: (path, body) =>
      loggedIn((auth) =>
        atAnyMember(path !== '/v3/kv/txn', (endpoint) => send(endpoint, path, { body, auth })),
      ),
    async stream(path, body, signal) {
      const auth = await authorization()
      const endpoint = endpoints[current]!
      try {
        const response = await fetch(new URL(path, endpoint), { ...requestOf({ body, auth }), signal })
        if (response.ok) return response.body ?? undefined
        if (staleToken.test(await response.text())) token = undefined
        return undefined
      } catch (error) {
        if (!signal.aborted) turnFrom(endpoint)
        throw unreachable(`control store ${endpoint}: ${describeError(causeOf(error))}`, undefined, error)
      }
    },
  }
}

interface Request {
  readonly body: object
  readonly auth?: string | undefined
}

async function sendOnce(url: URL, request: Request & { readonly timeoutMs: number }): Promise<Answer> {
  let response: Response
  let text: string
  try {
    response = await fetch(url, { ...requestOf(request), signal: AbortSignal.timeout(request.timeoutMs) })
    text = await response.text()
  } catch (error) {
    const cause = causeOf(error)
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    throw new Away(unsentCodes.has(code), cause)
  }
  if (response.ok) return JSON.parse(text) as Answer
  throw failureOf(url, response.status, text)
}

function failureOf(url: URL, status: number, text: string): Error {
  const { code, error = text.slice(0, 200) } = parseFailure(text)
  if (staleToken.test(error)) return new StaleToken(error)
  const said = new Error(`${url.pathname} answered ${status}: ${error}`)
  if (code === undefined || awayCodes.has(code)) return new Away(false, said)
  return etcdRefused(`control store ${url.origin}: ${describeError(said)}`, code)
}

/** gRPC's code for a thing that is not there, such as a lease that has run out. */
export class NotThere extends Error {}

function etcdRefused(message: string, code: number): CachectlError | NotThere {
  if (code === 5) return new NotThere(message)
  return refused(message, 'Check username, passwordEnv and the rights of that user on keys below /cachectl/.')
}

function parseFailure(text: string): { code?: number; error?: string } {
  try {
    const { code, error } = JSON.parse(text) as { code?: unknown; error?: unknown }
    return { ...(typeof code === 'number' ? { code } : {}), ...(typeof error === 'string' ? { error } : {}) }
  } catch {
    return {} // a proxy's page: the caller shows its beginning
  }
}

function requestOf({ body, auth }: Request): RequestInit {
  return { method: 'POST', body: JSON.stringify(body), headers: auth ? { authorization: auth } : {} }
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause ? error.cause : error
}
