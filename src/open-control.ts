/** The control store of a topology file: where it says, else a folder beside it. */
import { basename, dirname, join, resolve } from 'node:path'
import type { ControlStore, MeetingPort } from './cache/ports.js'
import { systemClock } from './clock.js'
import type { EtcdAccess } from './control/etcd-gateway.js'
import { invalid } from './errors.js'
import { parseControlUrl } from './files/control-url.js'
import { readPassword } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import type { ControlSpec } from './files/topology-schema.js'
import type { NodeAccess } from './operations/ports.js'
import { printable } from './printable.js'
import type { NodeSpec } from './ring/topology.js'

/** Where this host keeps what belongs to a topology file: the store, unless it is elsewhere, and the journal. */
export function stateDirectory(topologyPath: string): string {
  return join(dirname(topologyPath), '.cachectl', basename(topologyPath))
}

export function journalPath(topologyPath: string): string {
  return join(stateDirectory(topologyPath), 'journal')
}

/** Where a topology's state is kept, and what a relative folder is relative to. */
export function controlOf({ path, control }: TopologyFile): { control: ControlSpec; folder: string } {
  return { control: control ?? { url: `file:${stateDirectory(path)}` }, folder: dirname(path) }
}

/** A store's place with the secrets to enter it. */
type ControlAccess =
  | { readonly kind: 'file'; readonly folder: string }
  | ({ readonly kind: 'etcd' } & EtcdAccess)
  | { readonly kind: 'redis'; readonly access: NodeAccess }

export async function openControl(file: TopologyFile): Promise<ControlStore> {
  const { control, folder } = controlOf(file)
  const access = await accessOf(control, folder)
  const { name } = file.topology
  switch (access.kind) {
    case 'file': {
      const { createFileStore } = await import('./control/file-store.js')
      return createFileStore(access.folder, systemClock)
    }
    case 'etcd': {
      const { createEtcdStore } = await import('./control/etcd-store.js')
      return createEtcdStore(access, name, systemClock)
    }
    case 'redis': {
      const { createRedisStore } = await import('./control/redis-store.js')
      return createRedisStore(access.access, name, systemClock)
    }
    default:
      return access satisfies never
  }
}

/** Where machines of one run meet: in the store, whatever rings it keeps. Errors: `invalid`. */
export async function openMeeting(control: ControlSpec, folder: string): Promise<MeetingPort> {
  const access = await accessOf(control, folder)
  switch (access.kind) {
    case 'file': {
      const { createFileMeeting } = await import('./control/file-meeting.js')
      return createFileMeeting(access.folder, systemClock)
    }
    case 'etcd': {
      const { createEtcdMeeting } = await import('./control/etcd-meeting.js')
      return createEtcdMeeting(access, systemClock)
    }
    case 'redis': {
      const { createRedisMeeting } = await import('./control/redis-meeting.js')
      return createRedisMeeting(access.access)
    }
    default:
      return access satisfies never
  }
}

async function accessOf(control: ControlSpec, folder: string): Promise<ControlAccess> {
  const place = parseControlUrl(control.url)
  if (typeof place === 'string') throw invalid(`control store ${printable(control.url)}: ${place}`)
  if (place.kind === 'file') return { kind: 'file', folder: resolve(folder, place.folder) }
  const { url: _, ...given } = control
  const secrets = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (place.kind === 'etcd') {
    const node = { ...etcdNode, ...secrets }
    const password = await readPassword(node, process.env)
    return {
      kind: 'etcd',
      endpoints: place.endpoints,
      ...(node.username === undefined ? {} : { username: node.username }),
      ...(password === undefined ? {} : { password }),
    }
  }
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
  return { kind: 'redis', access: password === undefined ? { node } : { node, password } }
}

/** An etcd in the terms of a node, of which only name and secret are used. */
const etcdNode: NodeSpec = {
  id: 'control',
  url: '',
  address: { kind: 'tcp', host: '', port: 0 },
  db: 0,
  weight: 1,
}
