/**
 * Entries of the slow log as sampled commands. The server keeps at most 32 arguments of a command and 128 bytes of each
 * (src/slowlog.c): a key that was cut is no key.
 */
import type { KeyPositions } from './key-positions.js'
import { scriptCalls } from './monitor-line.js'
import type { SampledCommand } from './sampled.js'

export interface LoggedCommand {
  readonly micros: number
  readonly args: readonly string[]
  readonly client: string
}

const maxArgumentBytes = 128
const maxArguments = 32
const moreArguments = /^\.\.\. \((\d+) more arguments\)$/
/** The client that Redis runs scripts' commands with; Valkey 8 names the script's caller instead. */
const scriptClient = '?:0'

/** undefined for script calls with keys, whose inner commands are entries of their own. `cutKeys`: keys that were not whole. */
export function sampledFromEntry(
  { args, micros, client }: LoggedCommand,
  positions: KeyPositions,
): { readonly sampled: SampledCommand; readonly cutKeys: number } | undefined {
  const name = (args[0] ?? '').toLowerCase()
  if (name === '') return undefined
  const seen = args.length === maxArguments ? withoutRest(args) : { args, count: args.length }
  const read = (index: number) => seen.args[index] ?? ''
  const command = positions.command(name)
  const keys = command.parts?.get(read(1).toLowerCase()) ?? command
  const indexes = keys.of(seen.count, read)
  if (indexes.length > 0 && scriptCalls.has(name)) return undefined
  const whole = indexes.filter(
    (index) => (seen.args[index]?.length ?? maxArgumentBytes + 1) <= maxArgumentBytes,
  )
  return {
    sampled: {
      command: keys.name,
      keys: [...new Set(whole.map(read))],
      bytes: seen.args.reduce((sum, arg) => sum + arg.length, 0),
      client: client === scriptClient ? 'lua' : client,
      micros,
      ...(indexes.length === 0 ? { isKeyless: true } : {}),
    },
    cutKeys: indexes.length - whole.length,
  }
}

/** The last place of a full entry says how many arguments did not fit. */
function withoutRest(args: readonly string[]): { args: readonly string[]; count: number } {
  const more = moreArguments.exec(args[maxArguments - 1] ?? '')?.[1]
  if (more === undefined) return { args, count: args.length }
  return { args: args.slice(0, -1), count: args.length - 1 + Number(more) }
}
