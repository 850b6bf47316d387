/** What a live change asks of the nodes besides their keys: gates, the operator's token, and who is connected. */
import { clientOf, controlName, lookName, operatorPrefix } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import type { FleetConnection, FleetPort, NodeAccess } from '../operations/ports.js'
import { entriesAt, namesUnder } from './dead-letters.js'
import { gateKey, raiseGateCommand } from './gate.js'
import { copiesPrefix } from './journal-copies.js'
import { fenced, fencedCode, fenceKey } from './operator-fence.js'
import { awaitReplicas } from './replicas.js'
import { ReplyError } from './resp.js'
import { type OpenConnection, type RespConnection, replyFailure } from './resp-connection.js'
import { missingRights } from './rights.js'
import { connectionError } from './socket.js'
import { wantedKey } from './wanted-keys.js'

/** KEYS fence; ARGV token, `force` or nothing. A smaller token than the present one is refused, unless forced. */
export const takeTokenScript = `local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held > tonumber(ARGV[1]) and ARGV[2] ~= 'force' then return redis.error_reply('FENCED another operator has taken over') end
redis.call('SET', KEYS[1], ARGV[1])
return 'OK'`

/** KEYS fence, keys; ARGV token. Takes our keys off, unless another operator has the node by now. */
export const forgetFencedScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', unpack(KEYS)) end
return 0`

const attempts = 4

export interface FleetOptions {
  /** All of an operator's connections have this name, so that its successor can end them. */
  readonly operatorName: string
  readonly open: OpenConnection
  readonly clock: Clock
}

/** Lends the fleet to `body`, over one connection a node; closed afterwards. */
export async function withFleet<T>(
  accesses: readonly NodeAccess[],
  options: FleetOptions,
  body: (fleet: FleetPort) => Promise<T>,
): Promise<T> {
  const fleet = new Fleet(accesses, options)
  try {
    return await body(fleet)
  } finally {
    fleet.close()
  }
}

class Fleet implements FleetPort {
  private readonly byId: ReadonlyMap<string, NodeAccess>
  private readonly open = new Map<string, RespConnection>()
  /** Two that replace the same lost connection at once open one each. */
  private readonly all = new Set<RespConnection>()
  private isClosed = false

  constructor(
    accesses: readonly NodeAccess[],
    private readonly options: FleetOptions,
  ) {
    this.byId = new Map(accesses.map((access) => [access.node.id, access]))
  }

  async takeOver({ token, force }: { token: number; force: boolean }): Promise<void> {
    await this.each(async (connection) => {
      await connection.call('EVAL', takeTokenScript, 1, fenceKey, token, force ? 'force' : '')
      const list = await listConnections(connection)
      const others = list.filter(
        ({ name }) => name.startsWith(operatorPrefix) && name !== this.options.operatorName,
      )
      await killAll(connection, others)
    })
  }

  async raiseGates(
    nodes: readonly string[],
    { epoch, replicas, token }: { epoch: number; replicas: number; token: number },
  ): Promise<void> {
    await Promise.all(
      nodes.map((node) =>
        this.on(node, async (connection) => {
          const [reply] = await connection.send([raiseGateCommand(epoch, token)])
          if (reply instanceof ReplyError && reply.code === fencedCode) throw fenced()
          if (reply instanceof ReplyError) throw replyFailure(connection.access, 'raising the gate', reply)
          await awaitReplicas(connection, replicas)
        }),
      ),
    )
  }

  async highestGate(): Promise<number> {
    return Math.max(
      0,
      ...(await this.each(async (connection) => Number(await connection.call('GET', gateKey)))),
    )
  }

  async forget(nodes: readonly string[], token: number): Promise<void> {
    for (const node of nodes) {
      await this.on(node, async (connection) => {
        if (String(await connection.call('GET', fenceKey)) !== String(token)) return
        // what a client sent there and never had an answer to must not be run when this node comes back one day
        const clients = (await listConnections(connection)).filter(({ name }) => clientOf(name) !== undefined)
        await killAll(connection, clients)
        await connection.call('EVAL', forgetFencedScript, 3, fenceKey, gateKey, wantedKey, token)
        // their entries are elsewhere; one day they would be taken for lost
        const copies = await namesUnder(connection, copiesPrefix)
        if (copies.length > 0) await connection.call('UNLINK', ...copies)
      })
    }
  }

  async connections(): Promise<FleetConnection[]> {
    const lists = await this.each(async (connection, node) =>
      (await listConnections(connection)).map((each) => ({ ...each, node })),
    )
    const ours = new Set([lookName, controlName])
    return lists.flat().filter(({ name }) => !name.startsWith(operatorPrefix) && !ours.has(name))
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

  entriesAt(node: string): Promise<{ readonly pending: number; readonly dead: number }> {
    return this.on(node, entriesAt)
  }

  async probe(node: string): Promise<number> {
    const connection = await this.connection(node)
    const startedMs = this.options.clock.nowMs()
    await connection.call('PING')
    return this.options.clock.nowMs() - startedMs
  }

  close(): void {
    this.isClosed = true
    for (const connection of this.all) connection.close()
  }

  private each<T>(act: (connection: RespConnection, node: string) => Promise<T>): Promise<T[]> {
    return Promise.all([...this.byId.keys()].map((node) => this.on(node, act)))
  }

  /** Whatever is done here may be done again: a connection that is lost on the way is replaced. */
  private async on<T>(
    node: string,
    act: (connection: RespConnection, node: string) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.connection(node)
      try {
        return await act(connection, node)
      } catch (error) {
        if (!connection.isLost || attempt === attempts) throw error
        await this.options.clock.sleep(50 * 2 ** attempt)
      }
    }
  }

  private async connection(node: string): Promise<RespConnection> {
    const known = this.open.get(node)
    if (known && !known.isLost) return known
    const access = this.byId.get(node)
    if (!access) throw new Error(`no node ${node}`)
    try {
      const connection = await this.options.open(access, { clientName: this.options.operatorName })
      this.all.add(connection)
      this.open.set(node, connection)
      // the others of a call that has failed are still at it when the scope ends
      if (this.isClosed) connection.close()
      return connection
    } catch (error) {
      throw connectionError(access.node, error)
    }
  }
}

async function listConnections(connection: RespConnection): Promise<Omit<FleetConnection, 'node'>[]> {
  const text = String(await connection.call('CLIENT', 'LIST'))
  return text.split('\n').flatMap((line) => {
    const id = fieldOf.id.exec(line)?.[1]
    // replicas, masters and monitors of the server's own are no clients of the ring
    if (id === undefined || ofTheServer.test(line)) return []
    return [
      {
        id: Number(id),
        name: fieldOf.name.exec(line)?.[1] ?? '',
        address: fieldOf.address.exec(line)?.[1] ?? '',
      },
    ]
  })
}

/** In a line of CLIENT LIST. One pattern each: a barrier asks for thousands of lines many times a second. */
const fieldOf = { id: /(?:^| )id=(\d+)/, name: / name=(\S*)/, address: / addr=(\S*)/ }
const ofTheServer = / flags=\S*[SMO]/

async function killAll(connection: RespConnection, list: readonly { readonly id: number }[]): Promise<void> {
  // one that has gone by itself is answered with 0
  for (const { id } of list) await connection.call('CLIENT', 'KILL', 'ID', id)
}
