/** The operations that have a name of their own, and the mix as a flag: `get:90,set:9,mget:2..20:1`. */
import { invalid } from '../errors.js'
import { nearest } from '../nearest-name.js'
import { printable } from '../printable.js'
import { parseCommandTemplate } from './command-template.js'
import type { OperationSpec } from './workload.js'

/** Of an MGET; the sources hold the drawn numbers in a table of this size. */
export const maxKeysPerRequest = 1_000
/** An operation has histograms of its own on every node. */
export const maxOperations = 32

type Shape = Pick<OperationSpec, 'kind' | 'keyspace'> & {
  /** One command a line. */
  readonly commands?: readonly string[]
  /** Of `read-many`, where the text does not say it. */
  readonly keyCount?: { readonly count: number; readonly consecutive: boolean }
  readonly summary: string
}

const shapes = {
  get: { kind: 'read', keyspace: '', summary: 'GET; a miss is followed by a SET of the value' },
  set: { kind: 'write', keyspace: '', summary: 'SET, with the TTL of the mix' },
  del: { kind: 'remove', keyspace: '', summary: 'UNLINK' },
  mget: {
    kind: 'read-many',
    keyspace: '',
    keyCount: { count: 10, consecutive: false },
    summary: 'MGET of drawn keys, one for each node that owns some of them',
  },
  scan: {
    kind: 'read-many',
    keyspace: '',
    keyCount: { count: 10, consecutive: true },
    summary: 'MGET of keys with consecutive numbers',
  },
  insert: { kind: 'insert', keyspace: '', summary: 'SET of a key that was not there before' },
  rmw: { kind: 'read-modify-write', keyspace: '', summary: 'GET, then SET of the same key, timed as one' },
  setex: { kind: 'command', keyspace: '', commands: ['SETEX {key} {ttl} {value}'], summary: 'SETEX' },
  incr: { kind: 'command', keyspace: 'n:', commands: ['INCR {key}'], summary: 'INCR' },
  hset: {
    kind: 'command',
    keyspace: 'h:',
    commands: ['HSET {key} {int:0..99} {value}'],
    summary: 'HSET of one of 100 fields',
  },
  lpush: {
    kind: 'command',
    keyspace: 'l:',
    // without the second command a list grows for as long as the run lasts
    commands: ['LPUSH {key} {value}', 'LTRIM {key} 0 99'],
    summary: 'LPUSH and LTRIM to 100 elements, one pipeline',
  },
  zadd: {
    kind: 'command',
    keyspace: 'z:',
    commands: ['ZADD {key} {int:1..1000000} {int:0..99}'],
    summary: 'ZADD of one of 100 members',
  },
} as const satisfies Record<string, Shape>

export const builtInNames = Object.keys(shapes) as readonly (keyof typeof shapes)[]

/** Name to what it sends, for help and documents. */
export function describeBuiltIn(name: keyof typeof shapes): string {
  return shapes[name].summary
}

/**
 * `get`, `mget`, `mget:20` (keys a request) or `mget:2..20`. The weight is relative to the other operations'.
 * Errors: `invalid`, with the nearest name.
 */
export function builtIn(text: string, weight: number): OperationSpec {
  const [name = '', ...rest] = text.split(':')
  const shape: Shape | undefined = isBuiltIn(name) ? shapes[name] : undefined
  if (!shape) throw invalid(unknownOperation(name))
  if (!(weight > 0 && Number.isFinite(weight)))
    throw invalid(`operation ${printable(name)}: weight ${weight}, expected a number above 0`)
  const { kind, keyspace, commands } = shape
  const keyCount = shape.keyCount && keysPerRequest(text, shape.keyCount)
  if (rest.length > (keyCount ? 1 : 0))
    throw invalid(
      `operation ${printable(text)}: expected ${name} alone${keyCount ? ', or with one count' : ''}`,
    )
  return {
    name,
    kind,
    weight,
    keyspace,
    ...(keyCount ? { keyCount } : {}),
    ...(commands ? { commands: commands.map(parseCommandTemplate) } : {}),
  }
}

/** `NAME:WEIGHT,…`; of mget and scan `NAME:KEYS:WEIGHT` or `NAME:LO..HI:WEIGHT` too. Errors: `invalid`. */
export function parseMix(text: string): OperationSpec[] {
  const operations = text.split(',').map((part) => {
    const at = part.lastIndexOf(':')
    const [name, digits] = at < 0 ? [part.trim(), ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    if (name === '' || !/^\d*\.?\d+$/.test(digits)) {
      if (at < 0 && name !== '' && !isBuiltIn(name)) throw invalid(`mix: ${unknownOperation(name)}`)
      throw invalid(
        `mix ${printable(text)}: expected NAME:WEIGHT, as in get:90,set:10, not ${printable(part) || 'nothing'}`,
      )
    }
    try {
      return builtIn(name, Number(digits))
    } catch (error) {
      throw invalid(`mix: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
  refuseRepeated(operations)
  return operations
}

/** Results and gates tell operations apart by their names. Errors: `invalid`. */
export function refuseRepeated(operations: readonly OperationSpec[]): void {
  if (operations.length > maxOperations)
    throw invalid(`mix: ${operations.length} operations, expected at most ${maxOperations}`)
  const repeated = operations.find(
    ({ name }, index) => operations.findIndex((each) => each.name === name) < index,
  )
  if (repeated) throw invalid(`mix: ${repeated.name} stands there twice, expected each name once`)
}

/** What a name of an operation may be: beside these words it would be read as something else in a gate or a result. */
export function operationNameProblem(name: string): string | undefined {
  if (!/^[a-z][a-z0-9_-]{0,31}$/.test(name))
    return 'expected 1 to 32 lower case letters, digits, - or _, a letter first'
  return ['fill', 'service', 'node', 'phase'].includes(name)
    ? `${name} has a meaning of its own in results, expected another name`
    : undefined
}

export function isBuiltIn(name: string): name is keyof typeof shapes {
  return Object.hasOwn(shapes, name)
}

export function unknownOperation(name: string): string {
  const near = nearest(name, builtInNames)
  return `operation ${printable(name, 40)}: expected ${near ? `${near}?` : `one of ${builtInNames.join(', ')}`}`
}

function keysPerRequest(
  text: string,
  { count, consecutive }: NonNullable<Shape['keyCount']>,
): NonNullable<OperationSpec['keyCount']> {
  const [, , digits] = /^([a-z]+):(.*)$/.exec(text) ?? []
  const [, low, high = low] = /^(\d{1,6})(?:\.\.(\d{1,6}))?$/.exec(digits ?? String(count)) ?? []
  const [min, max] = [Number(low), Number(high)]
  if (min >= 1 && max >= min && max <= maxKeysPerRequest) return { min, max, consecutive }
  throw invalid(
    `operation ${printable(text)}: expected keys a request, as in mget:20 or mget:2..20, at most ${maxKeysPerRequest}`,
  )
}

/**
 * Where a custom command's keys live unless it says so: commands of one type of value share a keyspace with each other
 * and with the built-in ones, and none meets the strings that a fill writes.
 */
export function keyspaceOf(commandName: string): string {
  const name = commandName.toUpperCase()
  return keyspaces.find(([pattern]) => pattern.test(name))?.[1] ?? ''
}

const keyspaces: readonly (readonly [RegExp, string])[] = [
  [/^H/, 'h:'],
  [/^(L(?!CS$)|R(PUSH|POP))/, 'l:'],
  [/^Z/, 'z:'],
  [/^S(ADD|REM|MISMEMBER|ISMEMBER|MEMBERS|CARD|POP|RANDMEMBER|SCAN|MOVE)$/, 's:'],
  [/^(INCR|DECR)/, 'n:'],
  [/^X/, 'x:'],
  [/^GEO/, 'g:'],
  [/^PF/, 'p:'],
]
