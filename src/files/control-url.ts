/** Where a ring's state is kept, from its URL: a folder, a Redis server, or the members of an etcd. */
import { type NodeEndpoint, parseNodeUrl } from './node-url.js'

export type ControlUrl =
  | { readonly kind: 'file'; readonly folder: string }
  | { readonly kind: 'redis'; readonly endpoint: NodeEndpoint }
  /** `http://host:port` or `https://…`, one a member. */
  | { readonly kind: 'etcd'; readonly endpoints: readonly string[] }

const wish =
  'expected file:FOLDER, redis://HOST:PORT, rediss://…, unix:///PATH, etcd://HOST:PORT[,HOST:PORT…] or etcds://…, ' +
  'without credentials'
const maxMembers = 16

/** The place, or what was expected instead. */
export function parseControlUrl(text: string): ControlUrl | string {
  const folder = /^file:(?:\/\/)?(.+)$/.exec(text)?.[1]
  if (folder) return { kind: 'file', folder }
  const [, secure, members] = /^etcd(s?):\/\/(.+)$/.exec(text) ?? []
  if (members !== undefined) {
    const endpoints = members.split(',').map((member) => memberEndpoint(member, secure === 's'))
    if (endpoints.length > maxMembers) return `more than ${maxMembers} members, ${wish}`
    return endpoints.every((endpoint) => endpoint !== undefined) ? { kind: 'etcd', endpoints } : wish
  }
  const endpoint = parseNodeUrl(text)
  return typeof endpoint === 'string' ? wish : { kind: 'redis', endpoint }
}

function memberEndpoint(member: string, isSecure: boolean): string | undefined {
  const scheme = isSecure ? 'https' : 'http'
  if (
    !/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?$/.test(member) ||
    !URL.canParse(`${scheme}://${member}`)
  )
    return undefined
  return /:\d+$/.test(member) ? `${scheme}://${member}` : `${scheme}://${member}:2379`
}
