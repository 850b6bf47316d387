/**
 * The data connections of one ring client, named so that an operator can find and fence them. A lost connection is
 * remembered until it is certain that nothing it carried can still be executed.
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { clientPrefix } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { CachectlError } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import type { NodeSpec } from '../ring/topology.js'
import type { OpenConnection, RespConnection } from './resp-connection.js'

export interface RingConnectionsOptions {
  readonly clientId: string
  readonly clock: Clock
  readonly readAccess: (nodes: readonly NodeSpec[]) => Promise<NodeAccess[]>
  readonly commandTimeoutMs: number
  readonly open: OpenConnection
  /** For the connections that `get` gives; default: `open`. */
  readonly openData?: OpenConnection
}

interface Numbered {
  readonly connection: RespConnection
  readonly node: string
  /** The server's own number for it. */
  readonly serverId: number
}

export class RingConnections {
  private nodes = new Map<string, NodeSpec>()
  private readonly open = new Map<string, Promise<Numbered>>()
  /** Those of `open` that are there, so that a command need not wait a turn for each. */
  private readonly ready = new Map<string, RespConnection>()
  private readonly all = new Set<Numbered>()
  /** Lent connections that have come back, by the nodes they lead to. */
  private readonly idle = new Map<string, RespConnection[][]>()

  constructor(private readonly options: RingConnectionsOptions) {}

  /** Connects to these from now on. Nothing is under way, so that what is closed here has nothing in flight. */
  setNodes(nodes: readonly NodeSpec[]): void {
    const before = this.nodes
    this.nodes = new Map(nodes.map((node) => [node.id, node]))
    for (const connection of [...this.idle.values()].flat(2)) connection.close()
    this.idle.clear()
    for (const [id, opening] of this.open) {
      if (isDeepStrictEqual(this.nodes.get(id), before.get(id))) continue
      this.open.delete(id)
      this.ready.delete(id)
      opening.then((numbered) => this.drop(numbered)).catch(() => undefined)
    }
  }

  /** The node's connection, if it is there and not lost. */
  peek(node: string): RespConnection | undefined {
    const connection = this.ready.get(node)
    return connection?.isLost ? undefined : connection
  }

  /** The node's connection. `check` runs after a new one is named and before anybody uses it; it may throw. */
  async get(node: string, check: () => Promise<void>): Promise<RespConnection> {
    for (;;) {
      const opening = this.open.get(node)
      if (!opening) break
      const known = await opening.catch(() => undefined)
      if (known && !known.connection.isLost) return known.connection
      if (this.open.get(node) === opening) this.open.delete(node)
    }
    const { open, openData = open } = this.options
    const opening = this.connectChecked(node, check, openData)
    this.open.set(node, opening)
    const { connection } = await opening
    // the ring may have changed meanwhile
    if (this.open.get(node) === opening) this.ready.set(node, connection)
    return connection
  }

  /** Lends a connection to each of the nodes that nobody else uses: WATCH belongs to a connection. */
  async lend<T>(
    nodes: readonly string[],
    check: () => Promise<void>,
    body: (connections: readonly RespConnection[]) => Promise<T>,
  ): Promise<T> {
    const name = nodes.join('\n')
    let lent = this.idle.get(name)?.pop()
    if (!lent || lent.some(({ isLost }) => isLost)) {
      lent = []
      for (const node of nodes) lent.push((await this.connectChecked(node, check)).connection)
    }
    try {
      const result = await body(lent)
      this.idle.set(name, [...(this.idle.get(name) ?? []), lent])
      return result
    } catch (error) {
      // a WATCH may still stand, and something may still be in flight: they count as lost from here on
      for (const connection of lent) connection.close()
      throw error
    }
  }

  /**
   * Ends every lost connection at its server too, from a new connection, so that no late command of it can run.
   * Throws when a server can't be asked: then nothing may be promised. Nodes that are not in the ring any more are
   * not asked: what still happens there, nobody looks at.
   */
  async resolveLost(nodes: readonly NodeSpec[]): Promise<void> {
    const lost = [...this.all].filter(({ connection }) => connection.isLost)
    await Promise.all(
      [...new Set(lost.map(({ node }) => node))].map(async (id) => {
        const node = nodes.find((each) => each.id === id)
        const there = lost.filter((each) => each.node === id)
        if (node) await this.killAtServer(node, there)
        for (const numbered of there) this.all.delete(numbered)
      }),
    )
  }

  close(): void {
    for (const numbered of this.all) numbered.connection.close()
    this.all.clear()
    this.ready.clear()
  }

  private async killAtServer(node: NodeSpec, connections: readonly Numbered[]): Promise<void> {
    const helper = await this.openTo(node)
    try {
      // one that has gone by itself is answered with 0
      for (const { serverId } of connections) await helper.call('CLIENT', 'KILL', 'ID', serverId)
    } finally {
      helper.close()
    }
  }

  private async connect(id: string, open: OpenConnection): Promise<Numbered> {
    const node = this.nodes.get(id)
    if (!node) throw new CachectlError(`no node ${id} in the ring`, { exitCode: 4 })
    const connection = await this.openTo(node, open)
    const numbered = { connection, node: id, serverId: Number(await connection.call('CLIENT', 'ID')) }
    this.all.add(numbered)
    return numbered
  }

  private async connectChecked(
    id: string,
    check: () => Promise<void>,
    open = this.options.open,
  ): Promise<Numbered> {
    const numbered = await this.connect(id, open)
    try {
      await check()
      return numbered
    } catch (error) {
      this.drop(numbered)
      throw error
    }
  }

  private async openTo(node: NodeSpec, open = this.options.open): Promise<RespConnection> {
    const [access] = await this.options.readAccess([node])
    return open(access!, {
      clientName: `${clientPrefix}${this.options.clientId}:${randomUUID().slice(0, 8)}`,
      idleTimeoutMs: this.options.commandTimeoutMs,
      connectTimeoutMs: this.options.commandTimeoutMs,
    })
  }

  private drop(numbered: Numbered): void {
    this.all.delete(numbered)
    numbered.connection.close()
  }
}
