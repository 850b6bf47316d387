/** A node's TLS section as Node's options; certificates are verified unless the topology says `insecure`. */
import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { describeError, invalid } from '../errors.js'
import type { NodeSpec, TlsSpec } from '../ring/topology.js'

/** Errors: `invalid`, naming the node and the file that can't be read. */
export async function tlsOptions(node: NodeSpec, tls: TlsSpec): Promise<ConnectionOptions> {
  const read = async (path: string | undefined) => {
    if (path === undefined) return undefined
    try {
      return await readFile(path)
    } catch (error) {
      throw invalid(`node ${node.id}: TLS file: ${describeError(error)}`, undefined, error)
    }
  }
  const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)])
  const servername = tls.servername ?? (node.address.kind === 'tcp' ? node.address.host : undefined)
  return {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(servername && !/^[\d.:]+$/.test(servername) ? { servername } : {}),
    rejectUnauthorized: tls.insecure !== true,
  }
}
