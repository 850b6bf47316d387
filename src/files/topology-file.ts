/** Reads a topology: YAML to value. */
import type * as v from 'valibot'
import { printable } from '../printable.js'
import { formatAddress, type Topology } from '../ring/topology.js'
import { parseControlUrl } from './control-url.js'
import { type ControlSpec, knownFields, ringProblem, topologySchema, toTopology } from './topology-schema.js'
import { parseYaml, readYamlText, type YamlKind, type YamlPath, type YamlProblem } from './yaml-document.js'

export interface TopologyFile {
  readonly path: string
  readonly text: string
  readonly topology: Topology
  /** Where the ring's state is kept; absent: in a folder beside the file. */
  readonly control?: ControlSpec
}

const kind: YamlKind = {
  what: 'topology',
  levels: 4,
  remedy: 'docs/topology.md describes every field; topologies/ has examples.',
  knownFields,
  refuseField: (field) =>
    /^pass(word|wd)?$/i.test(field) ? 'a secret in a file, expected passwordEnv or passwordFile' : undefined,
}

/**
 * `name` is how messages call the file: as the user wrote it.
 * Errors: `invalid`, with the file system's error as cause when the file can't be read.
 */
export async function loadTopology(path: string, name = path): Promise<TopologyFile> {
  const text = await readYamlText(path, name, kind.what)
  return { path, text, ...parseFile(text, name) }
}

/** `name` is how messages call the text. */
export function parseTopology(text: string, name: string): Topology {
  return parseFile(text, name).topology
}

function parseFile(text: string, name: string): Pick<TopologyFile, 'topology' | 'control'> {
  const { value, fail, lineOf } = parseYaml(text, name, kind, topologySchema)
  const problems = crossProblems(value, lineOf)
  if (problems.length > 0) fail(problems)
  const { control } = value
  return { topology: toTopology(value), ...(control ? { control } : {}) }
}

function crossProblems(
  parsed: v.InferOutput<typeof topologySchema>,
  lineOf: (path: YamlPath) => number,
): YamlProblem[] {
  const problems: YamlProblem[] = []
  const ring = parsed.ring ? ringProblem(parsed.ring) : undefined
  if (ring) {
    problems.push({ path: ['ring', ring[0]], message: ring[1] })
  }
  for (const [field, read] of [
    ['id', (node: (typeof parsed.nodes)[number]) => node.id],
    ['url', (node: (typeof parsed.nodes)[number]) => `${formatAddress(node.url.address)} db ${node.url.db}`],
  ] as const) {
    const seen = new Map<string, number>()
    parsed.nodes.forEach((node, index) => {
      const value = read(node)
      const first = seen.get(value)
      if (first === undefined) {
        seen.set(value, index)
        return
      }
      const path = ['nodes', index, field]
      const line = lineOf(['nodes', first, field])
      const message = `${printable(value)} stands in line ${line} already, expected another ${field === 'id' ? 'id' : 'address'}`
      problems.push({ path, message })
    })
  }
  const place = parsed.control ? parseControlUrl(parsed.control.url) : undefined
  if (typeof place === 'object' && place.kind === 'redis') {
    const { address, db } = place.endpoint
    const node = parsed.nodes.find(
      ({ url }) => formatAddress(url.address) === formatAddress(address) && url.db === db,
    )
    const path = ['control', 'url']
    const message = `the database of node ${node?.id}, whose keys move, expected another server or database`
    if (node) problems.push({ path, message })
  }
  parsed.nodes.forEach((node, index) => {
    if (node.passwordEnv === undefined || node.passwordFile === undefined) return
    const path = ['nodes', index, 'passwordFile']
    problems.push({ path, part: 'key', message: 'passwordEnv is given too, expected one of them' })
  })
  return [...problems, ...replicaProblems(parsed.nodes)]
}

function replicaProblems(nodes: v.InferOutput<typeof topologySchema>['nodes']): YamlProblem[] {
  const problems: YamlProblem[] = []
  const owners = new Map(nodes.map(({ id, url }) => [formatAddress(url.address), id]))
  nodes.forEach(({ url, replicas = [] }, index) => {
    const seen = new Set<string>()
    replicas.forEach((replica, at) => {
      const address = formatAddress(replica.address)
      const owner = owners.get(address)
      const message =
        owner !== undefined
          ? `${printable(address)} is node ${owner}, expected a server that copies this node`
          : seen.has(address)
            ? `${printable(address)} stands in this list already, expected another address`
            : replica.secure !== url.secure
              ? `its node is reached ${url.secure ? 'by' : 'without'} rediss://, expected the same`
              : replica.db !== 0 && replica.db !== url.db
                ? `database ${replica.db}, expected the node's, ${url.db}`
                : undefined
      seen.add(address)
      if (message) problems.push({ path: ['nodes', index, 'replicas', at], message })
    })
  })
  return problems
}
