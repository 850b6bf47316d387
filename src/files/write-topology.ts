/** Writes a changed topology back: only what changed, with comments and layout as they were, atomically. */
import { readFile } from 'node:fs/promises'
import type { YAMLMap, YAMLSeq } from 'yaml'
import { describeError, refused, stopped } from '../errors.js'
import { printable } from '../printable.js'
import type { NodeSpec, Topology } from '../ring/topology.js'
import { parseTopology, type TopologyFile } from './topology-file.js'
import { isMap, isSeq, parseDocument } from './yaml.js'

/** Refuses when the file is not what was loaded: somebody else's edit must not be lost. */
export async function writeTopology(file: TopologyFile, after: Topology): Promise<TopologyFile> {
  const text = editTopology(file.text, after)
  const topology = parseTopology(text, file.path)
  const { default: writeFileAtomic } = await import('write-file-atomic')
  try {
    const current = (await readFile(file.path, 'utf8')).replace(/^\ufeff/, '')
    if (current !== file.text) {
      throw refused(
        `topology ${printable(file.path)} was edited while the keys moved; it was not overwritten`,
        `The servers now hold the new ring. Bring these nodes into the file yourself:\n${text}`,
      )
    }
    await writeFileAtomic(file.path, text)
  } catch (error) {
    if (error instanceof Error && error.name === 'CachectlError') throw error
    throw stopped(
      `topology ${printable(file.path)}: ${describeError(error)}; the keys have moved, the file says otherwise`,
      'Make the file writable and run the same command again: it finds nothing to move and writes the file.',
      error,
    )
  }
  return { path: file.path, text, topology }
}

/** The text with nodes added, removed and re-weighted. */
export function editTopology(text: string, after: Topology): string {
  const document = parseDocument(text)
  const nodes = document.get('nodes')
  if (!isSeq(nodes)) throw new Error('a parsed topology has a list of nodes')
  const wanted = new Map(after.nodes.map((node) => [node.id, node]))
  removeNodes(nodes, wanted)
  const present = new Set<string>()
  for (const item of nodes.items) {
    if (!isMap(item)) continue
    const node = wanted.get(String(item.get('id')))
    if (!node) continue
    present.add(node.id)
    if (Number(item.get('weight') ?? 1) !== node.weight) item.set('weight', node.weight)
  }
  for (const node of after.nodes) {
    if (present.has(node.id)) continue
    const item = document.createNode(nodeFields(node)) as YAMLMap
    item.flow = isMap(nodes.items[0]) && nodes.items[0].flow === true
    nodes.items.push(item)
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: /\{ /.test(text) })
}

function removeNodes(nodes: YAMLSeq, wanted: ReadonlyMap<string, NodeSpec>): void {
  nodes.items = nodes.items.filter((item) => !isMap(item) || wanted.has(String(item.get('id'))))
}

function nodeFields(node: NodeSpec): Record<string, unknown> {
  const { id, url, weight, zone, label, tls, username, passwordEnv, passwordFile } = node
  const optional = { zone, label, tls, username, passwordEnv, passwordFile }
  return {
    id,
    url,
    ...(weight === 1 ? {} : { weight }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  }
}
