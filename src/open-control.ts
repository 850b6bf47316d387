/** The control store of a topology file: where it says, else a folder beside it. */
import { basename, dirname, join, resolve } from 'node:path'
import type { ControlStore } from './cache/ports.js'
import { systemClock } from './clock.js'
import { parseControlUrl } from './files/control-url.js'
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
  const place = parseControlUrl(control?.url ?? `file:${stateDirectory(path)}`)
  if (typeof place === 'string') throw new Error(place) // the schema has checked it
  if (place.kind === 'file') {
    const { createFileStore } = await import('./control/file-store.js')
    return createFileStore(resolve(dirname(path), place.folder), systemClock)
  }
  const { url: _, ...given } = control ?? { url: '' }
  const secrets = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (place.kind === 'etcd') {
    const { createEtcdStore } = await import('./control/etcd-store.js')
    const node = { ...etcdNode, ...secrets }
    const password = await readPassword(node, process.env)
    const access = {
      endpoints: place.endpoints,
      ...(node.username === undefined ? {} : { username: node.username }),
      ...(password === undefined ? {} : { password }),
    }
    return createEtcdStore(access, topology.name, systemClock)
  }
  const { createRedisStore } = await import('./control/redis-store.js')
  const { url, address, db, secure } = place.endpoint
  const node: NodeSpec = {
    id: 'control',
    url,
    address,
    db,
    weight: 1,
    ...(secure ? { tls: {} } : {}),
    ...secrets,
  }
  const password = await readPassword(node, process.env)
  return createRedisStore(password === undefined ? { node } : { node, password }, topology.name, systemClock)
}

/** An etcd in the terms of a node, of which only name and secret are used. */
const etcdNode: NodeSpec = {
  id: 'control',
  url: '',
  address: { kind: 'tcp', host: '', port: 0 },
  db: 0,
  weight: 1,
}
