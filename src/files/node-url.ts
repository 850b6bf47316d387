/** Where a node listens, from its URL: `redis://host:port/db`, `rediss://…`, `unix:///path?db=0`. */
import type { Address } from '../ring/topology.js'

export interface NodeEndpoint {
  readonly url: string
  readonly address: Address
  readonly db: number
  readonly secure: boolean
}

const shape = /^(redis|rediss|unix):\/\/(.+)$/

/** The endpoint, or what is wrong with the text. Credentials in a URL end up in files, shells and logs: refused. */
export function parseNodeUrl(text: string): NodeEndpoint | string {
  const wish = 'expected redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH'
  if (!shape.test(text)) return `not a node URL, ${wish}`
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return `not a URL, ${wish}`
  }
  if (url.username || url.password)
    return 'credentials in a URL, expected username with passwordEnv or passwordFile'
  return url.protocol === 'unix:' ? unixEndpoint(text, url) : tcpEndpoint(text, url)
}

function unixEndpoint(text: string, url: URL): NodeEndpoint | string {
  const db = parseDb(url.searchParams.get('db') ?? '')
  if (db === undefined) return 'not a database number, expected ?db=N with N from 0'
  if (url.host || url.pathname.length < 2) return 'no socket path, expected unix:///PATH'
  return { url: text, address: { kind: 'unix', path: decodeURIComponent(url.pathname) }, db, secure: false }
}

function tcpEndpoint(text: string, url: URL): NodeEndpoint | string {
  const db = parseDb(url.pathname.replace(/^\//, ''))
  if (db === undefined) return 'not a database number, expected redis://HOST:PORT/N with N from 0'
  if (!url.hostname) return 'no host, expected redis://HOST:PORT'
  if (url.search || url.hash) return 'unknown part after the address, expected redis://HOST:PORT/N'
  const port = url.port === '' ? 6379 : Number(url.port)
  if (port === 0) return 'port 0, expected 1 to 65535'
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '')
  return { url: text, address: { kind: 'tcp', host, port }, db, secure: url.protocol === 'rediss:' }
}

function parseDb(text: string): number | undefined {
  if (text === '') return 0
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined
}
