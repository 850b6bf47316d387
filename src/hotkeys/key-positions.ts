/** Which arguments of a command are keys, from the server's own COMMAND table. */
import { findKeys, type KeySpec, type ReadWord } from './key-specs.js'

/** As COMMAND gives it: positions count from the command's name, `last` may count from the end. */
export interface CommandShape {
  /** `get`; of a part of a container `config|get`. */
  readonly name: string
  readonly first: number
  readonly last: number
  readonly step: number
  /** Servers before Redis 7 have none, and the three numbers must do. */
  readonly keySpecs?: readonly KeySpec[]
  readonly parts?: readonly CommandShape[]
}

/** One command: what it is called, and where its keys are. */
export interface CommandKeys {
  /** Lower case. */
  readonly name: string
  /** The one argument that is its key, whatever the others are; 0: it has none; undefined: ask `of`. */
  readonly only: number | undefined
  /** Of a container: its commands, by their own word. */
  readonly parts: ReadonlyMap<string, CommandKeys> | undefined
  /** Indexes of key arguments among `count` (the name is 0). */
  of(count: number, read: ReadWord): number[]
}

export interface KeyPositions {
  /** Indexes of key arguments among `count` (the name is 0). `read` decodes an argument that is no value. */
  of(command: string, count: number, read: (index: number) => Buffer): number[]
  /** `command` in lower case; a command that the server did not list has no keys. */
  command(command: string): CommandKeys
}

export function createKeyPositions(shapes: readonly CommandShape[]): KeyPositions {
  const byName = new Map(shapes.map((shape) => [shape.name.toLowerCase(), commandKeys(shape)]))
  const command = (name: string) => byName.get(name) ?? commandKeys({ name, first: 0, last: 0, step: 0 })
  return {
    command,
    of(name, count, read) {
      const word: ReadWord = (index) => (index < count ? read(index).toString('latin1') : '')
      const whole = command(name)
      const part = whole.parts?.get(word(1).toLowerCase())
      return (part ?? whole).of(count, word)
    },
  }
}

function commandKeys(shape: CommandShape): CommandKeys {
  const name = shape.name.toLowerCase()
  const parts =
    shape.parts && shape.parts.length > 0
      ? new Map(shape.parts.map((part) => [wordOf(part.name), commandKeys(part)]))
      : undefined
  return { name, parts, ...positionsOf(name, shape) }
}

/** `config|get` → `get`. */
function wordOf(name: string): string {
  return name.slice(name.indexOf('|') + 1).toLowerCase()
}

function positionsOf(name: string, shape: CommandShape): Pick<CommandKeys, 'only' | 'of'> {
  const byHand = handWritten[name]
  if (byHand) return { only: undefined, of: (count, read) => byHand(count, read) }
  const specs = shape.keySpecs ?? (shape.first > 0 ? [specOf(shape)] : [])
  const [spec] = specs
  if (!spec) return { only: 0, of: () => [] }
  if (specs.length === 1 && 'index' in spec.begin && 'last' in spec.find && spec.find.last === 0)
    return { only: spec.begin.index, of: (count, read) => findKeys(spec, count, read) }
  return { only: undefined, of: (count, read) => specs.flatMap((each) => findKeys(each, count, read)) }
}

function specOf({ first, last, step }: CommandShape): KeySpec {
  return { begin: { index: first }, find: { last: last < 0 ? last : last - first, step, limit: 0 } }
}

/** `… STREAMS k1 k2 id1 id2`: the first half after the word. */
const streams: KeySpec = {
  begin: { keyword: 'streams', from: 1 },
  find: { last: -1, step: 1, limit: 2 },
}
const counted = (at: number): KeySpec => ({
  begin: { index: at },
  find: { countAt: 0, first: 1, step: 1 },
})
const one = (index: number): KeySpec => ({
  begin: { index },
  find: { last: 0, step: 1, limit: 0 },
})
const after = (keyword: string): KeySpec => ({
  begin: { keyword, from: 2 },
  find: { last: 0, step: 1, limit: 0 },
})
const all = (...specs: KeySpec[]) => {
  return (count: number, read: ReadWord) => specs.flatMap((spec) => findKeys(spec, count, read))
}

/** What the three numbers of old servers can not say, and what specifications leave open (SORT). */
const handWritten: Readonly<Record<string, (count: number, read: ReadWord) => number[]>> = {
  xread: all(streams),
  xreadgroup: all(streams),
  zunion: all(counted(1)),
  zinter: all(counted(1)),
  zdiff: all(counted(1)),
  sintercard: all(counted(1)),
  zintercard: all(counted(1)),
  lmpop: all(counted(1)),
  zmpop: all(counted(1)),
  blmpop: all(counted(2)),
  bzmpop: all(counted(2)),
  eval: all(counted(2)),
  eval_ro: all(counted(2)),
  evalsha: all(counted(2)),
  evalsha_ro: all(counted(2)),
  fcall: all(counted(2)),
  fcall_ro: all(counted(2)),
  zunionstore: all(one(1), counted(2)),
  zinterstore: all(one(1), counted(2)),
  zdiffstore: all(one(1), counted(2)),
  sort: all(one(1), after('store')),
  georadius: all(one(1), after('store'), after('storedist')),
  georadiusbymember: all(one(1), after('store'), after('storedist')),
  migrate: migrateKeys,
  memory: (count, read) => (read(1).toLowerCase() === 'usage' ? findKeys(one(2), count, read) : []),
}

/** `MIGRATE host port key …`, or an empty key and `KEYS k1 k2 …` at the end; a user's name may be `keys` too. */
function migrateKeys(count: number, read: ReadWord): number[] {
  const last: KeySpec = {
    begin: { keyword: 'keys', from: -2 },
    find: { last: -1, step: 1, limit: 0 },
  }
  const named = findKeys(last, count, read).filter((index) => index > 5)
  return named.length > 0 ? named : findKeys(one(3), count, read)
}
