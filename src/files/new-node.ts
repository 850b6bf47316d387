/** A node as it is written on the command line: `ID=URL`, the rest by flags; checked by the topology file's own rules. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { NodeSpec } from '../ring/topology.js'
import { parseTopology } from './topology-file.js'

export type NewNodeFields = {
  readonly [Field in 'zone' | 'label' | 'username' | 'passwordEnv' | 'passwordFile']?: string | undefined
} & { readonly weight: number }

export function parseNewNode(text: string, fields: NewNodeFields): NodeSpec {
  const [, id, url] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (!id || !url) throw invalid(`${printable(text)}: expected ID=URL, as in n4=redis://10.0.0.14:6379`)
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  // JSON is YAML, and quotes whatever it holds
  const { nodes } = parseTopology(
    JSON.stringify({ name: 'new-node', nodes: [{ id, url, ...given }] }),
    `node ${id}`,
  )
  return nodes[0]!
}
