/** The control store of a topology file: where it says, else a folder beside it. */
import { basename, dirname, join, resolve } from 'node:path'
import type { ControlStore } from './cache/ports.js'
import { systemClock } from './clock.js'
import { parseNodeUrl } from './files/node-url.js'
import { readPassword } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import type { NodeSpec } from './ring/topology.js'

/** Where this host keeps what belongs to a topology file: the store, unless it is elsewhere, and the journal. */
export function stateDirectory(topologyPath: string): string {
  return join(dirname(topologyPath), '.cachectl', basename(topologyPath))
}

export function journalPath(topologyPath: string): string {
  return join(stateDirectory(topologyPath), 'journal')
}

export async function openControl({ path, topology, control }: TopologyFile): Promise<ControlStore> {
  const url = control?.url ?? `file:${stateDirectory(path)}`
  if (url.startsWith('file:')) {
    const { createFileStore } = await import('./control/file-store.js')
    return createFileStore(
      resolve(dirname(path), url.slice('file:'.length).replace(/^\/\//, '')),
      systemClock,
    )
  }
  const secrets = { passwordEnv: control?.passwordEnv, passwordFile: control?.passwordFile }
  if (/^etcds?:/.test(url)) {
    const { createEtcdStore } = await import('./control/etcd-store.js')
    const password = await readPassword(controlNode(url, secrets), process.env)
    const access = {
      endpoint: url.replace(/^etcd/, 'http'),
      ...(control?.username === undefined ? {} : { username: control.username }),
      ...(password === undefined ? {} : { password }),
    }
    return createEtcdStore(access, topology.name, systemClock)
  }
  const { createRedisStore } = await import('./control/redis-store.js')
  const node = { ...controlNode(url, secrets), ...(control?.username ? { username: control.username } : {}) }
  const password = await readPassword(node, process.env)
  return createRedisStore(password === undefined ? { node } : { node, password }, topology.name, systemClock)
}

/** The store's server in the terms of a node; for etcd only its name and secret are used. */
function controlNode(
  url: string,
  secrets: { passwordEnv: string | undefined; passwordFile: string | undefined },
): NodeSpec {
  const endpoint = parseNodeUrl(url.replace(/^etcd/, 'redis'))
  if (typeof endpoint === 'string') throw new Error(endpoint) // the schema has checked it
  return {
    id: 'control',
    url,
    address: endpoint.address,
    db: endpoint.db,
    weight: 1,
    ...(endpoint.secure ? { tls: {} } : {}),
    ...Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== undefined)),
  }
}
