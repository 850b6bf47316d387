/** One connection a node, opened when it is first wanted and again after a loss. */
import type { NodeAccess } from '../../operations/ports.js'
import { openConnection, type RespConnection, type RespOptions } from '../resp-connection.js'

export class NodeConnections {
  private readonly accesses: ReadonlyMap<string, NodeAccess>
  private readonly open = new Map<string, RespConnection>()

  constructor(
    accesses: readonly NodeAccess[],
    private readonly options: RespOptions = {},
  ) {
    this.accesses = new Map(accesses.map((access) => [access.node.id, access]))
  }

  accessOf(node: string): NodeAccess {
    const access = this.accesses.get(node)
    if (!access) throw new Error(`no node ${node}`)
    return access
  }

  async of(node: string): Promise<RespConnection> {
    const known = this.open.get(node)
    if (known && !known.isLost) return known
    const connection = await openConnection(this.accessOf(node), this.options)
    this.open.set(node, connection)
    return connection
  }

  close(): void {
    for (const connection of this.open.values()) connection.close()
    this.open.clear()
  }
}
