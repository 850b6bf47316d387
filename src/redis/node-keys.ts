/** KeysPort on real servers: connections are opened when first used, kept, and closed with the scope. */
import type { Clock } from '../clock.js'
import { isUnreachable } from '../errors.js'
import type { KeysPort, MoveOutcome, NodeAccess } from '../operations/ports.js'
import { sweepStaging } from './move-big-key.js'
import type { Held, Mover } from './movers.js'
import { unlinkUnder } from './operator-fence.js'
import type { Pair } from './pair.js'
import { type Reply, ReplyError } from './resp.js'
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

const ownPrefix = Buffer.from('__cachectl:')

/** Names of ours are not data: gates, tokens, half-made copies of big keys. */
function isOurs(key: Buffer): boolean {
  // nearly all keys differ in their first byte
  return key[0] === ownPrefix[0] && key.subarray(0, ownPrefix.length).equals(ownPrefix)
}

const defaultPageKeys = 1_000
const attempts = 6
/** A node that takes connections and says nothing is waited for so long after the first loss. */
const giveUpMs = 10_000

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
  /** Connections that nobody has, by the nodes they lead to. */
  private readonly idle = new Map<string, RespConnection[][]>()
  private readonly open = new Set<RespConnection>()
  private readonly reached = new Set<string>()
  /** The servers' own numbers of the connections. */
  private readonly serverIds = new Map<RespConnection, number>()
  /** Node → numbers of connections that we gave up, and whose commands may still be on their way. */
  private readonly givenUp = new Map<string, number[]>()
  private isClosed = false

  constructor(
    accesses: readonly NodeAccess[],
    private readonly options: NodeKeysOptions,
  ) {
    this.accesses = new Map(accesses.map((access) => [access.node.id, access]))
  }

  /** The next page is under way while its predecessor is worked on. */
  async *scan(node: string, pageKeys = defaultPageKeys): AsyncGenerator<Buffer[]> {
    // a cursor is the server's, not the connection's: a new connection goes on with it
    const readPage = (cursor: string) => {
      const page = this.withNode(node, (connection) => connection.call('SCAN', cursor, 'COUNT', pageKeys))
      page.catch(() => undefined) // whoever asks for this page is told
      return page
    }
    let next: ReturnType<typeof readPage> | undefined = readPage('0')
    while (next) {
      const reply: Reply = await next
      if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error('SCAN answered something else')
      const cursor: string = String(reply[0])
      next = cursor === '0' ? undefined : readPage(cursor)
      const data = reply[1].filter((key): key is Buffer => Buffer.isBuffer(key) && !isOurs(key))
      if (data.length > 0) yield data
    }
  }

  exist(node: string, keys: readonly Buffer[]): Promise<boolean[]> {
    return this.withNode(node, async (connection) => {
      const replies = await connection.send(keys.map((key) => ['EXISTS', key]))
      return replies.map((reply) => {
        if (reply instanceof ReplyError) throw replyFailure(connection.access, 'EXISTS', reply)
        return reply === 1
      })
    })
  }

  sweep(node: string): Promise<void> {
    return this.withNode(node, sweepStaging)
  }

  unlink(node: string, keys: readonly Buffer[]): Promise<void> {
    return this.withNode(node, (connection) => unlinkUnder(connection, keys, this.moving().held().token))
  }

  wanted(node: string): Promise<Buffer[]> {
    return this.withNode(node, takeWanted)
  }

  move({ source, target, keys }: Parameters<KeysPort['move']>[0]): Promise<MoveOutcome> {
    return this.withPair({ source, target }, (pair) => this.moving().mover.batch(pair, keys))
  }

  moveBig({ source, target, key }: Parameters<KeysPort['moveBig']>[0]): Promise<MoveOutcome> {
    return this.withPair({ source, target }, (pair) => this.moving().mover.big(pair, key))
  }

  close(): void {
    this.isClosed = true
    for (const connection of this.open) connection.close()
  }

  private moving(): Moving {
    if (!this.options.moving) throw new Error('these keys are only looked at')
    return this.options.moving
  }

  private withNode<T>(node: string, body: (connection: RespConnection) => Promise<T>): Promise<T> {
    return this.withConnections([node], ([connection]) => body(connection!))
  }

  private withPair<T>(
    { source, target }: { source: string; target: string },
    body: (pair: Pair) => Promise<T>,
  ): Promise<T> {
    return this.withConnections([source, target], ([first, second]) =>
      body({ source: first!, target: second! }),
    )
  }

  /**
   * Lends a connection to each of the nodes. Lost ones are replaced and the work starts again: every step of it is
   * idempotent. The server ends the old ones before that: what arrived later would be a copy that nobody finishes.
   */
  private async withConnections<T>(
    nodes: readonly string[],
    body: (connections: readonly RespConnection[]) => Promise<T>,
  ): Promise<T> {
    const { clock, signal } = this.options
    const name = nodes.join('\n')
    let failedMs: number | undefined
    for (let attempt = 1; ; attempt++) {
      let lent: RespConnection[] | undefined
      try {
        lent = this.idle.get(name)?.pop() ?? (await this.connectAll(nodes))
        await Promise.all(lent.map((connection) => this.endGivenUp(connection)))
        const outcome = await body(lent)
        this.idle.set(name, [...(this.idle.get(name) ?? []), lent])
        return outcome
      } catch (error) {
        // seen before we close them: what a server refuses is not lost, and it would refuse again
        const isLost = lent ? lent.some((connection) => connection.isLost) : this.wereReached(nodes, error)
        for (const connection of lent ?? []) this.giveUp(connection)
        failedMs ??= clock.nowMs()
        const isGivenUp = attempt === attempts || clock.nowMs() - failedMs > giveUpMs
        if (!isLost || isGivenUp || signal.aborted) throw error
        await clock.sleep(100 * 2 ** attempt)
      }
    }
  }

  /** A node that never answered, or does not let us in, will not do so in a moment either. */
  private wereReached(nodes: readonly string[], error: unknown): boolean {
    return isUnreachable(error) && nodes.every((node) => this.reached.has(node))
  }

  private async connectAll(nodes: readonly string[]): Promise<RespConnection[]> {
    const results = await Promise.allSettled(nodes.map((node) => this.connectNumbered(node)))
    const failure = results.find((result) => result.status === 'rejected')
    const connections = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    if (!failure) return connections
    for (const connection of connections) this.drop(connection)
    throw failure.reason
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
      this.reached.add(id)
      // work that somebody else's failure has outrun is still at it when the scope ends
      if (this.isClosed) connection.close()
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
