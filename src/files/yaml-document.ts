/** Our YAML files, read: text to value by a closed schema, every problem at once as `file:line:col path: what, what was expected`. */
import { open } from 'node:fs/promises'
import * as v from 'valibot'
import type { Document } from 'yaml'
import { describeError, invalid } from '../errors.js'
import { nearest } from '../nearest-name.js'
import { printable } from '../printable.js'
import { isAlias, isNode, isPair, LineCounter, parseDocument, visit } from './yaml.js'

export type YamlPath = readonly (string | number)[]

export interface YamlProblem {
  readonly path: YamlPath
  /** Where it is shown; default the path itself. */
  readonly place?: YamlPath
  /** Of the place; default the value. */
  readonly part?: 'key' | 'value'
  readonly message: string
}

/** What differs between kinds of files. */
export interface YamlKind {
  /** As in `topology`. */
  readonly what: string
  /** Nesting that a good file has. */
  readonly levels: number
  readonly remedy: string
  /** Field names by the path's shape (`nodes.*`), for the nearest name of an unknown field. */
  readonly knownFields: Readonly<Record<string, readonly string[]>>
  /** What to say of an unknown field instead of the nearest name. */
  readonly refuseField?: (field: string) => string | undefined
}

export interface YamlFile<Value> {
  readonly value: Value
  /** Of problems that the schema can't see. Throws `invalid`. */
  fail(problems: readonly YamlProblem[]): never
  /** From 1. */
  lineOf(path: YamlPath): number
}

const maxBytes = 2 ** 20
const maxDepth = 32

/** At most 1 MiB. Errors: `invalid`, with the file system's error as cause. */
export async function readYamlText(path: string, name: string, what: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > maxBytes)
        throw new RangeError(`${size.toLocaleString('en')} bytes, a ${what} has at most 1 MiB`)
      return (await file.readFile('utf8')).replace(/^\ufeff/, '')
    } finally {
      await file.close()
    }
  } catch (error) {
    throw invalid(`${what} ${printable(name)}: ${describeError(error)}`, undefined, error)
  }
}

/** `name` is how messages call the text. Errors: `invalid`, a line for each problem. */
export function parseYaml<Schema extends v.GenericSchema>(
  text: string,
  name: string,
  kind: YamlKind,
  schema: Schema,
): YamlFile<v.InferOutput<Schema>> {
  const lines = new LineCounter()
  refuseDepth(text, name, kind)
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2', merge: false })
  const failAt = (problems: readonly PlacedProblem[]): never => {
    const described = problems.map(({ offset, path, message }) => {
      const { line, col } = lines.linePos(offset)
      return `${printable(name)}:${line}:${col} ${path.length > 0 ? `${printable(path.join('.'))}: ` : ''}${message}`
    })
    throw invalid(described.join('\n'), kind.remedy)
  }
  const syntax = [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    path: [],
    message: printable(error.message.split(' at line ')[0]!.split('\n')[0]!),
  }))
  if (syntax.length > 0) failAt(syntax)
  const indirect = indirections(document)
  if (indirect.length > 0) failAt(indirect)
  const fail = (problems: readonly YamlProblem[]): never =>
    failAt(
      problems.map(({ path, place, part, message }) => ({
        offset: offsetOf(document, place ?? path, part ?? 'value'),
        path,
        message,
      })),
    )
  const given: unknown = document.toJS({ maxAliasCount: 0 })
  if (Array.isArray(given)) return fail([{ path: [], message: 'a list, expected a map of fields' }])
  const result = v.safeParse(schema, given)
  if (!result.success) return fail(result.issues.map((issue) => problemOf(issue, kind)))
  return {
    value: result.output,
    fail,
    lineOf: (path) => lines.linePos(offsetOf(document, path, 'value')).line,
  }
}

interface PlacedProblem {
  readonly offset: number
  readonly path: YamlPath
  readonly message: string
}

/** The YAML parser recurses; a few thousand brackets would take it seconds, and then its stack. */
function refuseDepth(text: string, name: string, { what, levels }: YamlKind): void {
  let depth = 0
  for (const char of text) {
    if (char === '[' || char === '{') depth++
    if (char === ']' || char === '}') depth--
    if (depth > maxDepth)
      throw invalid(`${printable(name)}: nested deeper than ${maxDepth} levels, a ${what} has ${levels}`)
  }
}

/** Anchors, aliases and tags: a file says what it means where it means it. */
function indirections(document: Document): PlacedProblem[] {
  const problems: PlacedProblem[] = []
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

function problemOf(issue: v.BaseIssue<unknown>, kind: YamlKind): YamlProblem {
  const path = (issue.path ?? []).map((item) => item.key as string | number)
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return { path, part: 'key', message: unknownField(path, kind) }
  if (issue.type === 'strict_object' && issue.received === 'undefined')
    return { path, place: path.slice(0, -1), message: 'missing, expected this field' }
  const given = issue.received === 'undefined' ? 'nothing' : printable(issue.received, 60)
  const isWhole = issue.type === 'raw_transform' || !issue.message.startsWith('expected')
  return { path, message: isWhole ? issue.message : `${given}, ${issue.message}` }
}

function unknownField(path: YamlPath, { knownFields, refuseField }: YamlKind): string {
  const field = String(path.at(-1))
  const refused = refuseField?.(field)
  if (refused !== undefined) return refused
  const shape = path
    .slice(0, -1)
    .map((key) => (typeof key === 'number' ? '*' : key))
    .join('.')
  const known = knownFields[shape] ?? []
  const near = nearest(field, known)
  return `unknown field, expected ${near ? `${near}?` : `one of ${known.join(', ')}`}`
}

/** Of a field that is not there, where its parent is. */
function offsetOf(document: Document, path: YamlPath, part: 'key' | 'value'): number {
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
