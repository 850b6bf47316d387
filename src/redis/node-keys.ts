/** KeysPort on real servers: connections are opened when first used, kept, and closed with the scope. */
import type { Clock } from '../clock.js'
import { isUnreachable } from '../errors.js'
import type { KeysPort, MoveOutcome, NodeAccess } from '../operations/ports.js'
import { sweepStaging } from './move-big-key.js'
import type { Held, Mover } from './movers.js'
import { unlinkUnder } from './operator-fence.js'
import type { Pair } from './pair.js'
import { ReplyError } from './resp.js'
import { type OpenConnection, type RespConnection, replyFailure } from './resp-connection.js'
import { connectionError } from './socket.js'
import { takeWanted } from './wanted-keys.js'

export interface Moving {
  readonly mover: Mover
  readonly held: () => Held
}

export interface NodeKeysOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The name of its connections, for CLIENT LIST. */
  readonly operatorName: string
  readonly open: OpenConnection
  /** Absent where keys are only looked at. */
  readonly moving?: Moving
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
  /** The servers' own numbers of the pairs' connections. */
  private readonly serverIds = new Map<RespConnection, number>()
  /** Node → numbers of connections that we gave up, and whose commands may still be on their way. */
  private readonly givenUp = new Map<string, number[]>()
  /** A connection a node for looking what clients wait for. */
  private readonly wishes = new Map<string, RespConnection>()

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
      await unlinkUnder(connection, keys, this.moving().held().token)
    } finally {
      this.drop(connection)
    }
  }

  async wanted(node: string): Promise<Buffer[]> {
    const known = this.wishes.get(node)
    const connection = known && !known.isLost ? known : await this.connect(node)
    this.wishes.set(node, connection)
    return takeWanted(connection)
  }

  move({ source, target, keys }: Parameters<KeysPort['move']>[0]): Promise<MoveOutcome> {
    return this.withPair({ source, target }, (pair) => this.moving().mover.batch(pair, keys))
  }

  moveBig({ source, target, key }: Parameters<KeysPort['moveBig']>[0]): Promise<MoveOutcome> {
    return this.withPair({ source, target }, (pair) => this.moving().mover.big(pair, key))
  }

  private moving(): Moving {
    if (!this.options.moving) throw new Error('these keys are only looked at')
    return this.options.moving
  }

  /**
   * A lost connection is replaced and the move starts again: every step of it is idempotent. The server ends the old one
   * before that: what arrived later would be a copy that nobody finishes.
   */
  private async withPair<T>(
    { source, target }: { source: string; target: string },
    body: (pair: Pair) => Promise<T>,
  ): Promise<T> {
    const name = `${source}\n${target}`
    for (let attempt = 1; ; attempt++) {
      let pair: Pair | undefined
      try {
        pair = this.idle.get(name)?.pop() ?? (await this.connectPair(source, target))
        await Promise.all([this.endGivenUp(pair.source), this.endGivenUp(pair.target)])
        const outcome = await body(pair)
        this.idle.set(name, [...(this.idle.get(name) ?? []), pair])
        return outcome
      } catch (error) {
        if (pair) for (const each of [pair.source, pair.target]) this.giveUp(each)
        const lost = pair ? pair.source.isLost || pair.target.isLost : isUnreachable(error)
        if (!lost || attempt === attempts || this.options.signal.aborted) throw error
        await this.options.clock.sleep(100 * 2 ** attempt)
      }
    }
  }

  close(): void {
    for (const connection of this.open) connection.close()
  }

  private async connectPair(source: string, target: string): Promise<Pair> {
    const [first, second] = await Promise.allSettled([
      this.connectNumbered(source),
      this.connectNumbered(target),
    ])
    if (first.status === 'fulfilled' && second.status === 'fulfilled') {
      return { source: first.value, target: second.value }
    }
    for (const each of [first, second]) if (each.status === 'fulfilled') this.drop(each.value)
    throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason
  }

  private async connectNumbered(id: string): Promise<RespConnection> {
    const connection = await this.connect(id)
    try {
      this.serverIds.set(connection, Number(await connection.call('CLIENT', 'ID')))
      return connection
    } catch (error) {
      this.drop(connection)
      throw error
    }
  }

  private giveUp(connection: RespConnection): void {
    const { id } = connection.access.node
    const number = this.serverIds.get(connection)
    if (number !== undefined) this.givenUp.set(id, [...(this.givenUp.get(id) ?? []), number])
    this.drop(connection)
  }

  private async endGivenUp(connection: RespConnection): Promise<void> {
    const { id } = connection.access.node
    const numbers = this.givenUp.get(id) ?? []
    // one that has gone by itself is answered with 0
    for (const number of numbers) await connection.call('CLIENT', 'KILL', 'ID', number)
    if (numbers.length === 0) return
    const left = (this.givenUp.get(id) ?? []).filter((each) => !numbers.includes(each))
    this.givenUp.set(id, left)
  }

  private async connect(id: string): Promise<RespConnection> {
    const access = this.accesses.get(id)
    if (!access) throw new Error(`no node ${id}`)
    try {
      const connection = await this.options.open(access, { clientName: this.options.operatorName })
      this.open.add(connection)
      return connection
    } catch (error) {
      throw connectionError(access.node, error)
    }
  }

  private drop(connection: RespConnection): void {
    this.open.delete(connection)
    this.serverIds.delete(connection)
    connection.close()
  }
}
