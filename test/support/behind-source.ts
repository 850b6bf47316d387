/**
 * A source of truth that other processes can write too, and that remembers the order: a list at a Redis server, or a table
 * of a PostgreSQL. And the verdict: what was acknowledged is there, and each key's values came in order.
 */
import assert from 'node:assert/strict'
import { parseNodeUrl } from '../../src/files/node-url.js'
import type { SourceWriter } from '../../src/index.js'
import { openConnection } from '../../src/redis/resp-connection.js'
import { postgresSource } from '../../src/sources/postgres.js'

export interface BehindSource {
  write: SourceWriter<number>
  load(key: string): Promise<number | null>
  /** Each key's values in the order of their writes; of a table the last only. */
  history(): Promise<Map<string, { value: number; seq: bigint }[]>>
  close(): Promise<void>
}

const logName = 'log'
/** While this key is there, the list takes nothing. */
export const awayName = 'away'

export async function openSource(url: string): Promise<BehindSource> {
  return url.startsWith('postgres') ? openTable(url) : openList(url)
}

async function openList(url: string): Promise<BehindSource> {
  const endpoint = parseNodeUrl(url)
  assert.ok(typeof endpoint !== 'string')
  const connection = await openConnection({
    node: { id: 'source', url, address: endpoint.address, db: endpoint.db, weight: 1 },
  })
  const history = async () => {
    const found = new Map<string, { value: number; seq: bigint }[]>()
    const lines = (await connection.call('LRANGE', logName, 0, -1)) as Buffer[]
    for (const line of lines) {
      const [key, value, seq] = line.toString().split(' ')
      const writes = found.get(key!) ?? []
      found.set(key!, writes)
      writes.push({ value: Number(value), seq: BigInt(seq!) })
    }
    return found
  }
  return {
    write: async (batch, { seqs }) => {
      if ((await connection.call('EXISTS', awayName)) === 1) throw new Error('the source is away')
      const lines = [...batch].map(([key, value]) => `${key} ${value} ${seqs.get(key)}`)
      await connection.call('RPUSH', logName, ...lines)
    },
    load: async (key) => (await history()).get(key)?.at(-1)?.value ?? null,
    history,
    close: async () => connection.close(),
  }
}

async function openTable(url: string): Promise<BehindSource> {
  const source = postgresSource<number>({ connectionString: url, table: 'behind' })
  const keys = new Set<string>()
  return {
    write: async (batch, context) => {
      for (const key of batch.keys()) keys.add(key)
      await source.write(batch, context)
    },
    load: (key) => source.load(key),
    history: async () => {
      const rows = await source.loadMany([...keys])
      return new Map([...rows].map(([key, value]) => [key, [{ value, seq: 0n }]]))
    },
    close: () => source.close(),
  }
}

/** `acked`: the last value of each key that was acknowledged. A put without an answer may have come too. */
export function assertArrived(
  acked: ReadonlyMap<string, number>,
  history: Awaited<ReturnType<BehindSource['history']>>,
): void {
  const lost: string[] = []
  for (const [key, last] of acked) {
    const writes = history.get(key) ?? []
    const latest = writes.at(-1)?.value ?? -1
    if (latest < last) lost.push(`${key}: ${last} was acknowledged, the source has ${latest}`)
    writes.forEach(({ value, seq }, index) => {
      const before = writes[index - 1]
      assert.ok(
        !before || (value >= before.value && seq >= before.seq),
        `${key}: ${value} after ${before?.value}`,
      )
    })
  }
  assert.deepEqual(lost, [])
}
