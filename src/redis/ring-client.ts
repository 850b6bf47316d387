/**
 * A client of the ring that keeps every promise while nodes join and leave (docs/protocol.md §6). It follows the control
 * store, serves one epoch at a time, and acks an epoch only when nothing of the one before can still happen.
 */
import { randomUUID } from 'node:crypto'
import type { ControlStore } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { invalid } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import type { NodeSpec, Topology } from '../ring/topology.js'
import {
  type Answer,
  CommandRouter,
  type Request,
  type Sent,
  SeveralOwnersError,
  unsuitable,
} from './command-router.js'
import type { CommandTable } from './command-table.js'
import { EpochFollower } from './epoch-follower.js'
import type { Command, CommandPart, Reply, ReplyError } from './resp.js'
import { type OpenConnection, openConnection, type RespConnection } from './resp-connection.js'
import { RingConnections } from './ring-connections.js'

export interface RingClientOptions {
  /** The client's own: closed with it. */
  readonly control: ControlStore
  /** The secrets of nodes, also of those that join later. */
  readonly readAccess: (nodes: readonly NodeSpec[]) => Promise<NodeAccess[]>
  readonly clock: Clock
  /** For people, in `ring status`: `pid 812 on web-3`. */
  readonly origin: string
  /** A command without an answer for this long loses its connection; default 2,000. */
  readonly commandTimeoutMs?: number
  /** How long a command may wait for a change of the ring to go on, where it must; default 30,000. */
  readonly waitTimeoutMs?: number
  /** Default: over a socket. */
  readonly open?: OpenConnection
  /** How the connection of each node that commands run on is opened; default: `open`. */
  readonly openData?: OpenConnection
}

const defaultCommandTimeoutMs = 2_000
const defaultWaitTimeoutMs = 30_000
/** Commands that are run for each owner by itself, and how their replies become one. */
const splittable: Readonly<Record<string, 'list' | 'sum'>> = {
  mget: 'list',
  del: 'sum',
  unlink: 'sum',
  exists: 'sum',
  touch: 'sum',
}
/** They belong to a connection, and a ring client has many, or they would go behind its back. */
const unsupported = new Set(['watch', 'ssubscribe', 'sunsubscribe', 'spublish', 'migrate', 'restore-asking'])

export class RingClient {
  readonly id = randomUUID().slice(0, 13)
  private readonly connections: RingConnections
  private follower!: EpochFollower
  private router!: CommandRouter
  private table: Promise<CommandTable> | undefined

  private constructor(private readonly options: RingClientOptions) {
    this.connections = new RingConnections({
      clientId: this.id,
      clock: options.clock,
      readAccess: options.readAccess,
      commandTimeoutMs: options.commandTimeoutMs ?? defaultCommandTimeoutMs,
      open: options.open ?? openConnection,
      ...(options.openData ? { openData: options.openData } : {}),
    })
  }

  /** Errors: `invalid` when the store holds no ring, `unreachable` when it does not answer. */
  static async open(options: RingClientOptions): Promise<RingClient> {
    const { control, clock, origin } = options
    const stored = await control.load()
    if (!stored) {
      throw invalid(
        `control store ${printable(control.name)} holds no ring`,
        '`cachectl ring apply` puts the topology there.',
      )
    }
    const client = new RingClient(options)
    const { connections, id } = client
    client.follower = await EpochFollower.start({ id, origin, control, clock, connections }, stored)
    client.router = new CommandRouter({
      follower: client.follower,
      connections,
      clock,
      waitTimeoutMs: options.waitTimeoutMs ?? defaultWaitTimeoutMs,
    })
    return client
  }

  get epoch(): number {
    return this.follower.epoch
  }

  /**
   * One command. Its keys decide where it runs; several keys must have one owner, but for MGET, DEL, UNLINK, EXISTS and
   * TOUCH, which are split by owner. Errors: `UnknownOutcomeError`, `invalid` for a command that a ring can't run, the
   * server's.
   */
  async call(command: string, ...args: CommandPart[]): Promise<Exclude<Reply, ReplyError>> {
    const name = command.toLowerCase()
    const parts = args.map((arg) => (typeof arg === 'object' ? Buffer.from(arg) : Buffer.from(String(arg))))
    const table = await this.commandTable()
    if (unsupported.has(name)) throw unsuitable(command, 'it belongs to one connection or one server')
    const keys = table.positions
      .of(name, parts.length + 1, (index) => parts[index - 1]!)
      .map((index) => parts[index - 1]!)
    if (keys.length === 0) throw unsuitable(command, 'it names no key, and a ring has many nodes')
    if (table.isBlocking(name)) throw unsuitable(command, 'it blocks its connection')
    const isWrite = table.isWrite(name)
    const how = splittable[name]
    if (how === 'list') return this.split(command, keys, isWrite)
    if (how === 'sum')
      return (await this.split(command, keys, isWrite)).reduce<number>((sum, each) => sum + Number(each), 0)
    const isScriptable = table.isScriptable(name)
    return this.router.run({ command: [command, ...parts], keys, isWrite, isScriptable })
  }

  /** One command whose keys and nature the caller knows; the server's error is a reply. Errors: as of `call`, otherwise. */
  ask(request: Request): Promise<Answer> {
    return this.router.ask(request)
  }

  /** The ring as it is, or will be after the present change. */
  get topology(): Topology {
    return this.follower.topology
  }

  /** Commands on one key that can go at once; undefined: they can't, and nothing was sent. */
  sendNow(key: Buffer, commands: readonly Command[], isTold?: boolean): Promise<Sent> | undefined {
    return this.router.sendNow(key, commands, isTold)
  }

  get nodeIds(): string[] {
    return this.follower.nodes.map(({ id }) => id)
  }

  /** The node that a key's commands run on now. */
  ownerOf(key: Uint8Array): string {
    const { source, target, isLost } = this.follower.routeOf(key)
    return this.follower.phase === 'prepare' && !isLost ? source : target
  }

  /** The one node that has all the keys, now and after the present change; undefined: there is none. */
  settledOwnerOf(keys: readonly Uint8Array[]): string | undefined {
    const [owner, ...others] = new Set(
      keys.map((key) => {
        const { source, target } = this.follower.routeOf(key)
        return source === target ? source : undefined
      }),
    )
    return others.length === 0 ? owner : undefined
  }

  /** Indexes of the keys by their nodes; each key that moves now stands alone. */
  groupByOwner(keys: readonly Buffer[]): number[][] {
    return this.router.groupByOwner(keys)
  }

  /** The connection that a node's commands run on. */
  connectionTo(node: string): Promise<RespConnection> {
    return this.follower.inEpoch(() => this.router.connection(node))
  }

  /** Waits for what is under way, takes its name off the register, and closes every connection. */
  async close(): Promise<void> {
    await this.follower.stop()
    this.connections.close()
    await this.options.control.close()
  }

  /** Lists are in the order of the keys; of sums each group's stands at its first key. */
  private async split(command: string, keys: readonly Buffer[], isWrite: boolean): Promise<Reply[]> {
    const replies: Reply[] = keys.map(() => 0)
    const groups = this.router.groupByOwner(keys)
    await Promise.all(
      groups.map(async (indexes) => {
        const own = indexes.map((index) => keys[index]!)
        const found = await this.runGroup(command, own, isWrite)
        indexes.forEach((index, at) => {
          replies[index] = at < found.length ? found[at]! : 0
        })
      }),
    )
    return replies
  }

  private async runGroup(command: string, keys: readonly Buffer[], isWrite: boolean): Promise<Reply[]> {
    try {
      const reply = await this.router.run({ command: [command, ...keys], keys, isWrite })
      return Array.isArray(reply) ? reply : [reply]
    } catch (error) {
      // the ring has changed since they were grouped; nothing was sent
      if (error instanceof SeveralOwnersError && keys.length > 1) return this.split(command, keys, isWrite)
      throw error
    }
  }

  private commandTable(): Promise<CommandTable> {
    this.table ??= this.router.readTable()
    this.table.catch(() => {
      this.table = undefined
    })
    return this.table
  }
}
