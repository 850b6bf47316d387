/** The dead letters of write-behind, node by node. */
import type { DeadLetter, DeadLettersPort, LetterOutcome } from '../cache/journal-port.js'
import { lookName } from '../cache/ports.js'
import type { NodeAccess } from '../operations/ports.js'
import { effects } from './cache-scripts.js'
import {
  attemptDigits,
  clock,
  deadMsDigits,
  deadPrefix,
  errorLengthDigits,
  headBytes,
  journalPrefix,
  names,
  seqDigits,
} from './journal-scripts.js'
import type { Reply } from './resp.js'
import { openConnection, type RespConnection } from './resp-connection.js'
import { connectionError } from './socket.js'

/** ARGV namespace, key. 1: a dead letter is an entry again; 0: it is gone; 2: a newer value waits. */
const letterRetryScript = `${effects}
${names}
${clock}
local letter = redis.call('HGET', dead, ARGV[2])
if not letter then return 0 end
if redis.call('HEXISTS', journal, ARGV[2]) == 1 then return 2 end
local head = string.sub(letter, ${deadMsDigits + 1}, ${deadMsDigits + headBytes})
local at = ${deadMsDigits + headBytes + errorLengthDigits}
local length = tonumber(string.sub(letter, at - ${errorLengthDigits - 1}, at))
local record = string.sub(head, 1, ${seqDigits}) .. '00' .. string.sub(head, ${seqDigits + attemptDigits + 1}) .. string.sub(letter, at + length + 1)
redis.call('HSET', journal, ARGV[2], record)
redis.call('ZADD', dirty, now, ARGV[2])
redis.call('ZADD', since, now, ARGV[2])
redis.call('HDEL', dead, ARGV[2])
return 1`

const pageKeys = 1_000
const outcomes: readonly LetterOutcome[] = ['gone', 'done', 'newer waits']

/** Lends them to `body`, over one connection a node; closed afterwards. */
export async function withDeadLetters<T>(
  accesses: readonly NodeAccess[],
  body: (letters: DeadLettersPort) => Promise<T>,
): Promise<T> {
  const connections = new Map<string, RespConnection>()
  try {
    for (const access of accesses) {
      const connection = await openConnection(access, { clientName: lookName }).catch((error: unknown) => {
        throw connectionError(access.node, error)
      })
      connections.set(access.node.id, connection)
    }
    return await body(new RedisDeadLetters(connections))
  } finally {
    for (const connection of connections.values()) connection.close()
  }
}

class RedisDeadLetters implements DeadLettersPort {
  constructor(private readonly connections: ReadonlyMap<string, RespConnection>) {}

  async list(namespace?: string): Promise<DeadLetter[]> {
    const found: DeadLetter[] = []
    for (const [node, connection] of this.connections) {
      const namespaces = namespace === undefined ? await namespacesAt(connection) : [namespace]
      const nowMs = Number(listOf(await connection.call('TIME'))[0]) * 1_000
      for (const name of namespaces) {
        for await (const [key, letter] of pairsOf(connection, deadPrefix + name))
          found.push(letterOf(letter, { node, namespace: name, key: keyIn(name, key), nowMs }))
      }
    }
    return found
  }

  async retry(letter: DeadLetter): Promise<LetterOutcome> {
    const { node, namespace } = letter
    const connection = this.connections.get(node)!
    const reply = await connection.call('EVAL', letterRetryScript, 0, namespace, wholeKey(letter))
    return outcomes[Number(reply)]!
  }

  async drop(letter: DeadLetter): Promise<LetterOutcome> {
    const { node, namespace } = letter
    const connection = this.connections.get(node)!
    return outcomes[Number(await connection.call('HDEL', deadPrefix + namespace, wholeKey(letter)))]!
  }
}

/** The number of entries that wait on a node, and of its dead letters, of every namespace. */
export async function entriesAt(connection: RespConnection): Promise<{ pending: number; dead: number }> {
  const count = async (prefix: string) => {
    let sum = 0
    for (const name of await namesUnder(connection, prefix))
      sum += Number(await connection.call('HLEN', name))
    return sum
  }
  return { pending: await count(journalPrefix), dead: await count(deadPrefix) }
}

async function namespacesAt(connection: RespConnection): Promise<string[]> {
  return (await namesUnder(connection, deadPrefix)).map((name) => name.slice(deadPrefix.length))
}

export async function namesUnder(connection: RespConnection, prefix: string): Promise<string[]> {
  const found = new Set<string>()
  let cursor = '0'
  do {
    const reply = listOf(await connection.call('SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', pageKeys))
    cursor = String(reply[0])
    for (const name of listOf(reply[1])) found.add(String(name))
  } while (cursor !== '0')
  return [...found].sort()
}

async function* pairsOf(connection: RespConnection, name: string): AsyncIterable<[Buffer, Buffer]> {
  let cursor = '0'
  do {
    const reply = listOf(await connection.call('HSCAN', name, cursor, 'COUNT', pageKeys))
    cursor = String(reply[0])
    const parts = listOf(reply[1])
    for (let at = 0; at + 1 < parts.length; at += 2) {
      const [key, value] = [parts[at], parts[at + 1]]
      if (Buffer.isBuffer(key) && Buffer.isBuffer(value)) yield [key, value]
    }
  } while (cursor !== '0')
}

function letterOf(
  letter: Buffer,
  { node, namespace, key, nowMs }: Pick<DeadLetter, 'node' | 'namespace' | 'key'> & { nowMs: number },
): DeadLetter {
  const number = (start: number, length: number) => Number(letter.toString('latin1', start, start + length))
  const errorStart = deadMsDigits + headBytes + errorLengthDigits
  const errorEnd = errorStart + number(errorStart - errorLengthDigits, errorLengthDigits)
  return {
    ...{ node, namespace, key },
    ageMs: Math.max(0, nowMs - number(0, deadMsDigits)),
    attempts: number(deadMsDigits + seqDigits, attemptDigits) + 1,
    bodyBytes: letter.length - errorEnd,
    error: letter.toString('utf8', errorStart, errorEnd),
  }
}

function keyIn(namespace: string, whole: Buffer): string {
  return whole.toString('utf8', Buffer.byteLength(namespace) + 1)
}

function wholeKey({ namespace, key }: DeadLetter): string {
  return `${namespace}:${key}`
}

function listOf(reply: Reply | undefined): Reply[] {
  return Array.isArray(reply) ? reply : []
}
