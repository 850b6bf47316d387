/** Reads a topology: YAML to value, every problem at once as `file:line:col path: what, what was expected`. */
import { open } from 'node:fs/promises'
import * as v from 'valibot'
import type { Document, LineCounter as Lines } from 'yaml'
import { describeError, invalid } from '../errors.js'
import { nearest } from '../nearest-name.js'
import { printable } from '../printable.js'
import { formatAddress, type Topology } from '../ring/topology.js'
import { parseControlUrl } from './control-url.js'
import { type ControlSpec, knownFields, ringProblem, topologySchema, toTopology } from './topology-schema.js'
import { isAlias, isNode, isPair, LineCounter, parseDocument, visit } from './yaml.js'

export interface TopologyFile {
  readonly path: string
  readonly text: string
  readonly topology: Topology
  /** Where the ring's state is kept; absent: in a folder beside the file. */
  readonly control?: ControlSpec
}

type Path = readonly (string | number)[]

interface Problem {
  readonly offset: number
  readonly path: Path
  readonly message: string
}

const maxBytes = 2 ** 20
const maxDepth = 32

/**
 * `name` is how messages call the file: as the user wrote it.
 * Errors: `invalid`, with the file system's error as cause when the file can't be read.
 */
export async function loadTopology(path: string, name = path): Promise<TopologyFile> {
  const text = await readLimited(path, name)
  return { path, text, ...parseFile(text, name) }
}

/** `name` is how messages call the text. */
export function parseTopology(text: string, name: string): Topology {
  return parseFile(text, name).topology
}

function parseFile(text: string, name: string): Pick<TopologyFile, 'topology' | 'control'> {
  const lines = new LineCounter()
  refuseDepth(text, name)
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2', merge: false })
  const fail = (problems: readonly Problem[]): never => {
    const described = problems.map(({ offset, path, message }) => {
      const { line, col } = lines.linePos(offset)
      return `${printable(name)}:${line}:${col} ${path.length > 0 ? `${printable(path.join('.'))}: ` : ''}${message}`
    })
    throw invalid(described.join('\n'), 'docs/topology.md describes every field; topologies/ has examples.')
  }
  const syntax = [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    path: [],
    message: printable(error.message.split(' at line ')[0]!.split('\n')[0]!),
  }))
  if (syntax.length > 0) fail(syntax)
  const indirect = indirections(document)
  if (indirect.length > 0) fail(indirect)
  const result = v.safeParse(topologySchema, document.toJS({ maxAliasCount: 0 }))
  if (!result.success) return fail(result.issues.map((issue) => problemOf(document, issue)))
  const problems = crossProblems(document, lines, result.output)
  if (problems.length > 0) fail(problems)
  const { control } = result.output
  return { topology: toTopology(result.output), ...(control ? { control } : {}) }
}

async function readLimited(path: string, name: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > maxBytes)
        throw new RangeError(`${size.toLocaleString('en')} bytes, a topology has at most 1 MiB`)
      return (await file.readFile('utf8')).replace(/^\ufeff/, '')
    } finally {
      await file.close()
    }
  } catch (error) {
    throw invalid(`topology ${printable(name)}: ${describeError(error)}`, undefined, error)
  }
}

/** The YAML parser recurses; a few thousand brackets would take it seconds, and then its stack. */
function refuseDepth(text: string, name: string): void {
  let depth = 0
  for (const char of text) {
    if (char === '[' || char === '{') depth++
    if (char === ']' || char === '}') depth--
    if (depth > maxDepth)
      throw invalid(`${printable(name)}: nested deeper than ${maxDepth} levels, a topology has 4`)
  }
}

/** Anchors, aliases and tags: a topology says what it means where it means it. */
function indirections(document: Document): Problem[] {
  const problems: Problem[] = []
  visit(document, (_, item) => {
    if (!isNode(item)) return
    const offset = item.range?.[0] ?? 0
    if (isAlias(item)) problems.push({ offset, path: [], message: 'an alias, expected the value itself' })
    else if ('anchor' in item && item.anchor)
      problems.push({ offset, path: [], message: 'an anchor, expected none' })
    else if (item.tag?.startsWith('!')) problems.push({ offset, path: [], message: 'a tag, expected none' })
  })
  return problems
}

function problemOf(document: Document, issue: v.BaseIssue<unknown>): Problem {
  const path = (issue.path ?? []).map((item) => item.key as string | number)
  const parent = path.slice(0, -1)
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const field = String(path.at(-1))
    return { offset: offsetOf(document, path, 'key'), path, message: unknownField(field, parent) }
  }
  const missing = issue.type === 'strict_object' && issue.received === 'undefined'
  if (missing)
    return { offset: offsetOf(document, parent, 'value'), path, message: 'missing, expected this field' }
  const given = issue.received === 'undefined' ? 'nothing' : printable(issue.received, 60)
  const message = issue.type === 'raw_transform' ? issue.message : `${given}, ${issue.message}`
  return {
    offset: offsetOf(document, path, 'value'),
    path,
    message: issue.message.startsWith('expected') ? message : issue.message,
  }
}

function unknownField(field: string, parent: Path): string {
  const shape = parent.map((key) => (typeof key === 'number' ? '*' : key)).join('.')
  const known = knownFields[shape] ?? []
  if (/^pass(word|wd)?$/i.test(field)) return 'a secret in a file, expected passwordEnv or passwordFile'
  const near = nearest(field, known)
  return `unknown field, expected ${near ? `${near}?` : `one of ${known.join(', ')}`}`
}

function offsetOf(document: Document, path: Path, part: 'key' | 'value'): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true)
    const key = path[length - 1]
    const items = parent && typeof parent === 'object' && 'items' in parent ? (parent.items as unknown[]) : []
    const pair = items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === String(key))
    if (isPair(pair)) {
      const at = part === 'key' || length < path.length || !isNode(pair.value) ? pair.key : pair.value
      if (isNode(at)) return at.range?.[0] ?? 0
    }
    const item = typeof key === 'number' ? items[key] : undefined
    if (isNode(item)) return item.range?.[0] ?? 0
  }
  return 0
}

function crossProblems(
  document: Document,
  lines: Lines,
  parsed: v.InferOutput<typeof topologySchema>,
): Problem[] {
  const problems: Problem[] = []
  const ring = parsed.ring ? ringProblem(parsed.ring) : undefined
  if (ring) {
    const path = ['ring', ring[0]]
    problems.push({ offset: offsetOf(document, path, 'value'), path, message: ring[1] })
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
      const { line } = lines.linePos(offsetOf(document, ['nodes', first, field], 'value'))
      const message = `${printable(value)} stands in line ${line} already, expected another ${field === 'id' ? 'id' : 'address'}`
      problems.push({ offset: offsetOf(document, path, 'value'), path, message })
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
    if (node) problems.push({ offset: offsetOf(document, path, 'value'), path, message })
  }
  parsed.nodes.forEach((node, index) => {
    if (node.passwordEnv === undefined || node.passwordFile === undefined) return
    const path = ['nodes', index, 'passwordFile']
    problems.push({
      offset: offsetOf(document, path, 'key'),
      path,
      message: 'passwordEnv is given too, expected one of them',
    })
  })
  return problems
}
