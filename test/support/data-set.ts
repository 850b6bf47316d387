/** Keys of all types with awkward names, and a fingerprint of everything that must survive a move. */
import type { Command, Reply } from '../../src/redis/resp.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'

export const keyTypes = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const

/** Name number `index`: every seventh holds NUL, CRLF, 0xff or spaces; the last byte run makes it unique. */
export function awkwardKey(index: number): Buffer {
  const odd = ['\0', '\r\n', '\xff\xfe', ' ', '"', '{a}', '\x1b[31m'][index % 7]!
  return Buffer.concat([
    Buffer.from('k'),
    index % 3 === 0 ? Buffer.from(odd, 'latin1') : Buffer.from(':'),
    Buffer.from(String(index)),
  ])
}

/** Commands that create key `index`; every fourth expires in an hour or so. `nowMs` is wall time. */
export function createCommands(index: number, nowMs: number): Command[] {
  const key = awkwardKey(index)
  const value = Buffer.concat([Buffer.from(`v${index}`), Buffer.from([0, 13, 10, 255])])
  const create: Record<(typeof keyTypes)[number], Command[]> = {
    string: [['SET', key, value]],
    hash: [['HSET', key, 'f', value, 'g', String(index)]],
    list: [['RPUSH', key, value, 'b', 'a']],
    set: [['SADD', key, value, 'x', 'y']],
    zset: [['ZADD', key, '1.5', value, '-2', 'm']],
    stream: [
      ['XADD', key, `${index + 1}-1`, 'f', value],
      ['XADD', key, `${index + 1}-2`, 'g', 'h'],
    ],
  }
  const commands = create[keyTypes[index % keyTypes.length]!]
  return index % 4 === 1 ? [...commands, ['PEXPIREAT', key, nowMs + 3_600_000 + index]] : commands
}

/**
 * key (latin1) → DUMP and absolute expiry, for all keys of a node. The DUMP of a set or hash follows its table, whose
 * seed is each server's own: for these it is the sorted elements.
 */
export async function fingerprint(
  connection: RespConnection,
): Promise<Map<string, { dump: Buffer; expiresAtMs: number }>> {
  const found = new Map<string, { dump: Buffer; expiresAtMs: number }>()
  let cursor = '0'
  do {
    const reply = await connection.call('SCAN', cursor, 'COUNT', 1000)
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error('SCAN answered something else')
    cursor = String(reply[0])
    // gates and tokens of changes are not data
    const keys = reply[1].filter((key) => Buffer.isBuffer(key)).filter((key) => !key.includes('__cachectl:'))
    const types = await connection.send(keys.map((key) => ['TYPE', key]))
    const read = (key: Buffer, index: number): Command[] => [
      [elementsOf[String(types[index])] ?? 'DUMP', key],
      ['PEXPIRETIME', key],
    ]
    const replies = await connection.send(keys.flatMap(read))
    keys.forEach((key, index) => {
      const value = replies[2 * index]
      const expiresAtMs = Number(replies[2 * index + 1])
      if (Buffer.isBuffer(value)) found.set(key.toString('latin1'), { dump: value, expiresAtMs })
      const width = types[index] === 'hash' ? 2 : 1
      if (Array.isArray(value))
        found.set(key.toString('latin1'), { dump: joinSorted(value, width), expiresAtMs })
    })
  } while (cursor !== '0')
  return found
}

const elementsOf: Readonly<Record<string, string>> = { set: 'SMEMBERS', hash: 'HGETALL' }

/** Elements of `width` replies each. */
function joinSorted(replies: readonly Reply[], width: number): Buffer {
  const parts = replies
    .filter((reply) => Buffer.isBuffer(reply))
    .map((part) => Buffer.concat([Buffer.from(`${part.length}:`), part]))
  const elements: Buffer[] = []
  for (let at = 0; at < parts.length; at += width) elements.push(Buffer.concat(parts.slice(at, at + width)))
  return Buffer.concat(elements.sort(Buffer.compare))
}
