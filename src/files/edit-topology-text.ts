/** Brings a changed topology into its text: only what changed, every other character as it was. */
import { isDeepStrictEqual } from 'node:util'
import type { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import type { NodeSpec, Topology } from '../ring/topology.js'
import { parseTopology } from './topology-file.js'
import { isMap, isScalar, isSeq, parseDocument, stringify } from './yaml.js'

/** The text with nodes added, removed and re-weighted; it parses to `after`. */
export function editTopology(text: string, after: Topology): string {
  const spliced = spliceNodes(text, after)
  if (spliced !== undefined && isDeepStrictEqual(parseTopology(spliced, 'the new text'), after))
    return spliced
  return rewriteNodes(text, after)
}

interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** undefined where the list is not a plain block list, a line an item or a field. */
function spliceNodes(text: string, after: Topology): string | undefined {
  const nodes = parseDocument(text).get('nodes')
  if (!isSeq(nodes) || nodes.flow) return undefined
  const wanted = new Map(after.nodes.map((node) => [node.id, node]))
  const splices: Splice[] = []
  let last: Item | undefined
  for (const each of nodes.items) {
    const item = isMap(each) ? locate(text, each) : undefined
    if (!item) return undefined
    last = item
    const node = wanted.get(String(item.map.get('id')))
    wanted.delete(String(item.map.get('id')))
    if (node) splices.push(...weightSplice(item, node.weight))
    else splices.push({ start: item.start, end: item.end, text: '' })
  }
  if (!last) return undefined
  const added = [...wanted.values()].map((node) => itemText(text, last, node)).join('')
  splices.push({ start: last.end, end: last.end, text: added })
  const edited = splices.reduceRight(
    (current, splice) => current.slice(0, splice.start) + splice.text + current.slice(splice.end),
    text.endsWith('\n') ? text : `${text}\n`,
  )
  return edited
}

/** An item's lines: from the start of its first to the start of the next. */
interface Item {
  readonly map: YAMLMap
  readonly start: number
  readonly end: number
  /** Columns of the dash and of the first field. */
  readonly dash: number
  readonly field: number
}

function locate(text: string, map: YAMLMap): Item | undefined {
  const [from, to] = map.range ?? [0, 0]
  const start = text.lastIndexOf('\n', from - 1) + 1
  const lead = /^( *)- +$/.exec(text.slice(start, from))
  if (!lead) return undefined
  const newline = text.indexOf('\n', from + text.slice(from, to).trimEnd().length)
  const end = newline < 0 ? text.length + 1 : newline + 1
  return { map, start, end, dash: lead[1]!.length, field: from - start }
}

function weightSplice({ map, end, field }: Item, weight: number): Splice[] {
  if (Number(map.get('weight') ?? 1) === weight) return []
  const value = map.get('weight', true)
  if (isScalar(value)) return [{ ...valueRange(value), text: String(weight) }]
  if (!map.flow) return [{ start: end, end, text: `${' '.repeat(field)}weight: ${weight}\n` }]
  const last = (map.items.at(-1) as Pair<Scalar, Scalar>).value!
  const { end: at } = valueRange(last)
  return [{ start: at, end: at, text: `, weight: ${weight}` }]
}

function valueRange({ range }: Scalar): { start: number; end: number } {
  const [start, end] = range ?? [0, 0]
  return { start, end }
}

function itemText(text: string, like: Item, node: NodeSpec): string {
  const flow = like.map.flow === true
  const item = stringify([nodeFields(node)], {
    collectionStyle: flow ? 'flow' : 'block',
    flowCollectionPadding: /\{ /.test(text),
    lineWidth: 0,
  })
  const lines = flow ? [`- ${item.trim().replace(/^\[\s*|\s*\]$/g, '')}`] : item.trimEnd().split('\n')
  return lines.map((line) => `${' '.repeat(like.dash)}${line}\n`).join('')
}

/** Through the YAML library: comments stay, the space before them may not. */
function rewriteNodes(text: string, after: Topology): string {
  const document: Document = parseDocument(text)
  const nodes = document.get('nodes')
  if (!isSeq(nodes)) throw new Error('a parsed topology has a list of nodes')
  const known = new Map((nodes as YAMLSeq<YAMLMap>).items.map((item) => [String(item.get('id')), item]))
  const style = nodes.items[0]
  nodes.items = after.nodes.map((node) => {
    const item = known.get(node.id)
    if (item) {
      if (Number(item.get('weight') ?? 1) !== node.weight) item.set('weight', node.weight)
      return item
    }
    const created = document.createNode(nodeFields(node)) as YAMLMap
    created.flow = isMap(style) && style.flow === true
    return created
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: /\{ /.test(text) })
}

function nodeFields(node: NodeSpec): Record<string, unknown> {
  const { id, url, weight, zone, label, tls, username, passwordEnv, passwordFile } = node
  const replicas = node.replicas?.map((replica) => replica.url)
  const optional = { zone, label, tls, username, passwordEnv, passwordFile, replicas }
  return {
    id,
    url,
    ...(weight === 1 ? {} : { weight }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  }
}
