/** What a live change asks of the nodes besides their keys: gates, the operator's token, and who is connected. */
import { lookName, operatorPrefix } from '../cache/ports.js'
import { systemClock } from '../clock.js'
import type { FleetConnection, FleetPort, NodeAccess } from '../operations/ports.js'
import { gateKey, raiseGateCommand } from './gate.js'
import { fenceKey } from './move-live.js'
import { ReplyError } from './resp.js'
import { RespConnection, replyFailure } from './resp-connection.js'
import { missingRights } from './rights.js'
import { connectionError } from './socket.js'

/** KEYS fence; ARGV token. A smaller token than the present one is refused. */
const takeToken = `local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held > tonumber(ARGV[1]) then return redis.error_reply('FENCED another operator has taken over') end
redis.call('SET', KEYS[1], ARGV[1])
return 'OK'`

/** Lends the fleet to `body`, over one connection a node; closed afterwards. */
export async function withFleet<T>(
  accesses: readonly NodeAccess[],
  operatorName: string,
  body: (fleet: FleetPort) => Promise<T>,
): Promise<T> {
  const fleet = new Fleet(accesses, operatorName)
  try {
    return await body(fleet)
  } finally {
    fleet.close()
  }
}

class Fleet implements FleetPort {
  private readonly byId: ReadonlyMap<string, NodeAccess>
  private readonly open = new Map<string, RespConnection>()

  constructor(
    accesses: readonly NodeAccess[],
    private readonly operatorName: string,
  ) {
    this.byId = new Map(accesses.map((access) => [access.node.id, access]))
  }

  async takeOver(token: number): Promise<void> {
    await this.each(async (connection) => {
      await connection.call('EVAL', takeToken, 1, fenceKey, token)
      const list = await listConnections(connection)
      const others = list.filter(({ name }) => name.startsWith(operatorPrefix) && name !== this.operatorName)
      await killAll(connection, others)
    })
  }

  async raiseGates(nodes: readonly string[], epoch: number): Promise<void> {
    await Promise.all(
      nodes.map(async (node) => {
        const connection = await this.connection(node)
        const [reply] = await connection.send([raiseGateCommand(epoch)])
        if (reply instanceof ReplyError) throw replyFailure(connection.access, 'raising the gate', reply)
      }),
    )
  }

  async forget(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) await (await this.connection(node)).call('DEL', gateKey, fenceKey)
  }

  async connections(): Promise<FleetConnection[]> {
    const lists = await this.each(async (connection, node) =>
      (await listConnections(connection)).map((each) => ({ ...each, node })),
    )
    return lists.flat().filter(({ name }) => !name.startsWith(operatorPrefix) && name !== lookName)
  }

  async kill(connections: readonly FleetConnection[]): Promise<void> {
    await this.each((connection, node) =>
      killAll(
        connection,
        connections.filter((each) => each.node === node),
      ),
    )
  }

  async missingRights(): Promise<Record<string, readonly string[]>> {
    const found = await this.each(
      async (connection, node) => [node, await missingRights(connection)] as const,
    )
    return Object.fromEntries(found.filter(([, missing]) => missing.length > 0))
  }

  async probe(node: string): Promise<number> {
    const connection = await this.connection(node)
    const startedMs = systemClock.nowMs()
    await connection.call('PING')
    return systemClock.nowMs() - startedMs
  }

  close(): void {
    for (const connection of this.open.values()) connection.close()
  }

  private each<T>(act: (connection: RespConnection, node: string) => Promise<T>): Promise<T[]> {
    return Promise.all([...this.byId.keys()].map(async (node) => act(await this.connection(node), node)))
  }

  private async connection(node: string): Promise<RespConnection> {
    const known = this.open.get(node)
    if (known && !known.isLost) return known
    const access = this.byId.get(node)
    if (!access) throw new Error(`no node ${node}`)
    try {
      const connection = await RespConnection.open(access, { clientName: this.operatorName })
      this.open.set(node, connection)
      return connection
    } catch (error) {
      throw connectionError(access.node, error)
    }
  }
}

async function listConnections(connection: RespConnection): Promise<Omit<FleetConnection, 'node'>[]> {
  const text = String(await connection.call('CLIENT', 'LIST'))
  return text.split('\n').flatMap((line) => {
    const fields = Object.fromEntries(line.split(' ').map((field) => field.split(/=(.*)/s, 2)))
    // replicas, masters and monitors of the server's own are no clients of the ring
    if (fields.id === undefined || /[SMO]/.test(fields.flags ?? '')) return []
    return [{ id: Number(fields.id), name: fields.name ?? '', address: fields.addr ?? '' }]
  })
}

async function killAll(connection: RespConnection, list: readonly { readonly id: number }[]): Promise<void> {
  // one that has gone by itself is answered with 0
  for (const { id } of list) await connection.call('CLIENT', 'KILL', 'ID', id)
}
