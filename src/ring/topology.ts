/** The written description of a cache, parsed: which nodes it has and how keys are placed. A value; no I/O. */

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export const algorithms = [
  'ring',
  'ketama-twemproxy',
  'modula-twemproxy',
  'hashring',
  'maglev',
  'rendezvous',
  'jump',
] as const
export type Algorithm = (typeof algorithms)[number]

/** Names as in twemproxy's configuration where twemproxy has the function. */
export const hashNames = [
  'xxh32',
  'murmur3',
  'one_at_a_time',
  'md5',
  'crc16',
  'crc32',
  'crc32a',
  'fnv1_64',
  'fnv1a_64',
  'fnv1_32',
  'fnv1a_32',
  'hsieh',
  'murmur',
  'jenkins',
] as const
export type HashName = (typeof hashNames)[number]

export interface RingSpec {
  readonly algorithm: Algorithm
  readonly hash: HashName
  /** Two characters, e.g. `{}`: only the text between them is hashed. */
  readonly hashTag?: string
  /** Points for a weight of 1; the algorithms of other tools fix their own. */
  readonly pointsPerWeight: number
  /** Signedness of C's `char` where twemproxy runs: signed on x86-64, unsigned on arm64 Linux. */
  readonly charSign: 'signed' | 'unsigned'
}

export interface TlsSpec {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly insecure?: boolean
}

/** A server that copies a node; its database, credentials and TLS are the node's. */
export interface ReplicaSpec {
  /** As written, without credentials. */
  readonly url: string
  readonly address: Address
}

export interface NodeSpec {
  readonly id: string
  /** As written, without credentials: `redis://host:port/db`, `rediss://…` or `unix:///path?db=0`. */
  readonly url: string
  readonly address: Address
  readonly db: number
  readonly weight: number
  readonly zone?: string
  /** The text hashed into this node's points; default: the id, or `host:port` where another tool's rule says so. */
  readonly label?: string
  readonly tls?: TlsSpec
  readonly username?: string
  readonly passwordEnv?: string
  readonly passwordFile?: string
  /** Where the cache library may read too; at least one. */
  readonly replicas?: readonly ReplicaSpec[]
}

export interface Topology {
  readonly name: string
  readonly ring: RingSpec
  readonly nodes: readonly NodeSpec[]
}

/** `host:port`, `[v6]:port` or the socket's path: one text per server, for screens and duplicate checks. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return address.path
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
