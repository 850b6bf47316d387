/** KeysPort on real servers: connections are opened when first used, kept, and closed with the scope. */
import type { Clock } from '../clock.js'
import type { KeysPort, MoveOutcome, NodeAccess } from '../operations/ports.js'
import { sweepStaging } from './move-big-key.js'
import type { Pair } from './pair.js'
import { ReplyError } from './resp.js'
import { RespConnection, replyFailure } from './resp-connection.js'
import { connectionError } from './socket.js'

export interface NodeKeysOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** How a batch is carried: the fenced copy of a ring at rest, or MOVE of a live change. */
  readonly moveBatch: (pair: Pair, keys: readonly Buffer[]) => Promise<MoveOutcome>
  /** For CLIENT LIST. */
  readonly clientName?: string
}

/** Names of ours are not data: half-made copies of big keys. */
export const ownPrefix = Buffer.from('__cachectl:')

const scanCount = 1_000
const attempts = 6

/** Lends the keys of the nodes to `body`; every connection is closed afterwards. */
export async function withNodeKeys<T>(
  accesses: readonly NodeAccess[],
  options: NodeKeysOptions,
  body: (keys: KeysPort) => Promise<T>,
): Promise<T> {
  const keys = new NodeKeys(accesses, options)
  try {
    return await body(keys)
  } finally {
    keys.close()
  }
}

class NodeKeys implements KeysPort {
  private readonly accesses: ReadonlyMap<string, NodeAccess>
  private readonly idle = new Map<string, Pair[]>()
  private readonly open = new Set<RespConnection>()

  constructor(
    accesses: readonly NodeAccess[],
    private readonly options: NodeKeysOptions,
  ) {
    this.accesses = new Map(accesses.map((access) => [access.node.id, access]))
  }

  async *scan(node: string): AsyncGenerator<Buffer[]> {
    const connection = await this.connect(node)
    try {
      let cursor = '0'
      do {
        const reply = await connection.call('SCAN', cursor, 'COUNT', scanCount)
        if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error('SCAN answered something else')
        cursor = String(reply[0])
        const keys = reply[1].filter((key) => Buffer.isBuffer(key))
        const data = keys.filter((key) => !key.subarray(0, ownPrefix.length).equals(ownPrefix))

        if (data.length > 0) yield data
      } while (cursor !== '0')
    } finally {
      this.drop(connection)
    }
  }

  async exist(node: string, keys: readonly Buffer[]): Promise<boolean[]> {
    const connection = await this.connect(node)
    try {
      const replies = await connection.send(keys.map((key) => ['EXISTS', key]))
      return replies.map((reply) => {
        if (reply instanceof ReplyError) throw replyFailure(connection.access, 'EXISTS', reply)
        return reply === 1
      })
    } finally {
      this.drop(connection)
    }
  }

  async sweep(node: string): Promise<void> {
    const connection = await this.connect(node)
    try {
      await sweepStaging(connection)
    } finally {
      this.drop(connection)
    }
  }

  async unlink(node: string, keys: readonly Buffer[]): Promise<void> {
    const connection = await this.connect(node)
    try {
      await connection.call('UNLINK', ...keys)
    } finally {
      this.drop(connection)
    }
  }

  /** A lost connection is replaced and the batch starts again: every step of it is idempotent. */
  async move(batch: Parameters<KeysPort['move']>[0]): ReturnType<KeysPort['move']> {
    const name = `${batch.source}\n${batch.target}`
    for (let attempt = 1; ; attempt++) {
      let pair: Pair | undefined
      try {
        pair = this.idle.get(name)?.pop() ?? (await this.connectPair(batch.source, batch.target))
        const outcome = await this.options.moveBatch(pair, batch.keys)
        this.idle.set(name, [...(this.idle.get(name) ?? []), pair])
        return outcome
      } catch (error) {
        if (pair) for (const each of [pair.source, pair.target]) this.drop(each)
        const lost = !pair || pair.source.isLost || pair.target.isLost
        if (!lost || attempt === attempts || this.options.signal.aborted) throw error
        await this.options.clock.sleep(100 * 2 ** attempt)
      }
    }
  }

  close(): void {
    for (const connection of this.open) connection.close()
  }

  private async connectPair(source: string, target: string): Promise<Pair> {
    const [first, second] = await Promise.allSettled([this.connect(source), this.connect(target)])
    if (first.status === 'fulfilled' && second.status === 'fulfilled') {
      return { source: first.value, target: second.value }
    }
    for (const each of [first, second]) if (each.status === 'fulfilled') this.drop(each.value)
    throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason
  }

  private async connect(id: string): Promise<RespConnection> {
    const access = this.accesses.get(id)
    if (!access) throw new Error(`no node ${id}`)
    try {
      const connection = await RespConnection.open(access, {
        clientName: this.options.clientName ?? 'cachectl',
      })
      this.open.add(connection)
      return connection
    } catch (error) {
      throw connectionError(access.node, error)
    }
  }

  private drop(connection: RespConnection): void {
    this.open.delete(connection)
    connection.close()
  }
}
