/** What a server says about its commands: which arguments are keys, and whether a command writes. */
import { createKeyPositions, type KeyPositions } from '../hotkeys/key-positions.js'
import { commandEntries } from './command-entries.js'
import type { RespConnection } from './resp-connection.js'

export interface CommandTable {
  readonly positions: KeyPositions
  /** Unknown commands count as writes: the careful way. */
  isWrite(command: string): boolean
  /** `other`: unknown, or neither (WATCH, scripts). */
  accessOf(command: string): 'read' | 'write' | 'other'
  isBlocking(command: string): boolean
  /** Whether a script may run it. */
  isScriptable(command: string): boolean
}

export async function readCommandTable(connection: RespConnection): Promise<CommandTable> {
  const entries = commandEntries(await connection.call('COMMAND'))
  const flagsOf = new Map(entries.map(({ shape, flags }) => [shape.name.toLowerCase(), flags]))
  return {
    positions: createKeyPositions(entries.map(({ shape }) => shape)),
    isWrite: (command) => !flagsOf.get(command)?.has('readonly'),
    accessOf: (command) => {
      const flags = flagsOf.get(command)
      if (flags?.has('write')) return 'write'
      return flags?.has('readonly') ? 'read' : 'other'
    },
    isBlocking: (command) => flagsOf.get(command)?.has('blocking') === true,
    isScriptable: (command) => flagsOf.get(command)?.has('noscript') === false,
  }
}
