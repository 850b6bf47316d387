/** Which arguments of a command are keys, from the server's own COMMAND table. */

/** As COMMAND gives it: positions count from the command's name, `last` may count from the end. */
export interface CommandShape {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly step: number
}

export interface KeyPositions {
  /** Indexes of key arguments among `count` (the name is 0). `read` decodes an argument that is no value. */
  of(command: string, count: number, read: (index: number) => Buffer): number[]
}

const streams = 'streams'

export function createKeyPositions(shapes: readonly CommandShape[]): KeyPositions {
  const byName = new Map(shapes.map((shape) => [shape.name.toLowerCase(), shape]))
  return {
    of(command, count, read) {
      if (command === 'xread' || command === 'xreadgroup') return streamKeys(count, read)
      const counted = countedKeys(command, count, read)
      if (counted) return counted
      const shape = byName.get(command)
      if (!shape || shape.first === 0) return []
      const last = shape.last < 0 ? count + shape.last : shape.last
      const keys: number[] = []
      for (let index = shape.first; index <= Math.min(last, count - 1); index += Math.max(1, shape.step))
        keys.push(index)
      return keys
    },
  }
}

/** `… STREAMS k1 k2 id1 id2`: the first half after the word. */
function streamKeys(count: number, read: (index: number) => Buffer): number[] {
  for (let index = 1; index < Math.min(count, 12); index++) {
    if (read(index).toString('latin1').toLowerCase() !== streams) continue
    return range(index + 1, Math.floor((count - index - 1) / 2))
  }
  return []
}

/** Where a number says how many keys follow it: index of the number. */
const countAt: Readonly<Record<string, number>> = {
  zunion: 1,
  zinter: 1,
  zdiff: 1,
  sintercard: 1,
  zintercard: 1,
  lmpop: 1,
  zmpop: 1,
  blmpop: 2,
  bzmpop: 2,
  eval: 2,
  eval_ro: 2,
  evalsha: 2,
  evalsha_ro: 2,
  fcall: 2,
  fcall_ro: 2,
  zunionstore: 2,
  zinterstore: 2,
  zdiffstore: 2,
}

function countedKeys(command: string, count: number, read: (index: number) => Buffer): number[] | undefined {
  const at = countAt[command]
  if (at === undefined || at >= count) return undefined
  const keyCount = Number(read(at).toString('latin1'))
  if (!Number.isInteger(keyCount) || keyCount < 0) return []
  const keys = range(at + 1, Math.min(keyCount, count - at - 1))
  return command.endsWith('store') ? [1, ...keys] : keys
}

function range(start: number, length: number): number[] {
  return Array.from({ length }, (_, index) => start + index)
}
