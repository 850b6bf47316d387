/**
 * Type, time to live and size of a few keys, in one pipeline a node. None of it changes what the server knows of the keys'
 * use but STRLEN, which counts as a read. Each command may be denied: then its fact is missing, nothing else.
 */
import { isUnreachable } from '../../errors.js'
import type { KeyFacts } from '../../hotkeys/suggestions.js'
import type { DescribePort } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import type { Command, Reply } from '../resp.js'
import { openConnection } from '../resp-connection.js'

/** Elements of a collection that MEMORY USAGE looks at. */
const memorySamples = 5
const repliesPerKey = 5

export function createDescriber(accesses: readonly NodeAccess[]): DescribePort {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  return {
    describe: async (node, keys) => {
      const access = byId.get(node)
      if (!access) throw new Error(`no node ${node}`)
      try {
        return await describe(access, keys)
      } catch (error) {
        // the samples are in hand already: a node that has gone since takes nothing away from them
        if (isUnreachable(error)) return []
        throw error
      }
    },
  }
}

async function describe(access: NodeAccess, keys: readonly Buffer[]): Promise<KeyFacts[]> {
  const connection = await openConnection(access)
  try {
    const replies = await connection.send(keys.flatMap(questions))
    return keys.map((_, index) =>
      factsFrom(replies.slice(index * repliesPerKey, (index + 1) * repliesPerKey)),
    )
  } finally {
    connection.close()
  }
}

function questions(key: Buffer): Command[] {
  return [
    ['TYPE', key],
    ['PTTL', key],
    ['EXISTS', key],
    ['STRLEN', key],
    ['MEMORY', 'USAGE', key, 'SAMPLES', memorySamples],
  ]
}

function factsFrom([type, ttl, exists, length, memory]: readonly Reply[]): KeyFacts {
  const isThere =
    typeof exists === 'number' ? exists > 0 : typeof type === 'string' ? type !== 'none' : undefined
  if (isThere === false) return { exists: false }
  // STRLEN of what is no string is an error
  const size = [length, memory].find((reply) => typeof reply === 'number')
  return {
    ...(isThere === undefined ? {} : { exists: isThere }),
    ...(typeof type === 'string' && type !== 'none' ? { type } : {}),
    ...(typeof ttl === 'number' && ttl !== keyIsGone ? { ttlMs: ttl < 0 ? null : ttl } : {}),
    ...(typeof size === 'number' ? { sizeBytes: size } : {}),
  }
}

/** PTTL's answer for a key that is not there; -1 stands for one without a time to live. */
const keyIsGone = -2
