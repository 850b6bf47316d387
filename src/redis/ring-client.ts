/**
 * A client of the ring that keeps every promise while nodes join and leave (docs/protocol.md §6). It follows the control
 * store, serves one epoch at a time, and acks an epoch only when nothing of the one before can still happen.
 */
import { randomUUID } from 'node:crypto'
import type { ControlStore } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { CachectlError, ExitCode, invalid, unreachable } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import type { Route } from '../ring/epoch.js'
import type { NodeSpec } from '../ring/topology.js'
import { type CommandTable, readCommandTable } from './command-table.js'
import { EpochFollower, StaleEpoch } from './epoch-follower.js'
import { closedCode, gatedCommand } from './gate.js'
import { defaultBigKeyBytes, moveLive } from './move-live.js'
import { type Command, type CommandPart, type Reply, ReplyError } from './resp.js'
import type { RespConnection } from './resp-connection.js'
import { replyFailure } from './resp-connection.js'
import { RingConnections } from './ring-connections.js'

export interface RingClientOptions {
  /** The client's own: closed with it. */
  readonly control: ControlStore
  /** The secrets of nodes, also of those that join later. */
  readonly readAccess: (nodes: readonly NodeSpec[]) => Promise<NodeAccess[]>
  readonly clock: Clock
  /** For people, in `ring status`: `pid 812 on web-3`. */
  readonly origin: string
  /** A command without an answer for this long loses its connection. */
  readonly commandTimeoutMs?: number
}

/** A write whose reply was lost: it may have happened or not, and only the application knows what to do. */
export class UnknownOutcomeError extends CachectlError {
  constructor(cause: CachectlError) {
    super(`unknown outcome: ${cause.message}`, { exitCode: ExitCode.unreachable, cause })
  }
}

const maxAttempts = 6
const bigKeyPollMs = 20
const splittable: Readonly<Record<string, 'list' | 'sum'>> = {
  mget: 'list',
  del: 'sum',
  unlink: 'sum',
  exists: 'sum',
  touch: 'sum',
}
const single: Readonly<Record<string, string>> = { mget: 'GET' }

export class RingClient {
  readonly id = randomUUID().slice(0, 13)
  private readonly connections: RingConnections
  private follower!: EpochFollower
  private table: Promise<CommandTable> | undefined

  private constructor(private readonly options: RingClientOptions) {
    this.connections = new RingConnections({
      clientId: this.id,
      clock: options.clock,
      readAccess: options.readAccess,
      commandTimeoutMs: options.commandTimeoutMs ?? 2_000,
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
    const settle = async (nodes: readonly NodeSpec[]) => {
      await client.connections.resolveLost(nodes)
      client.connections.setNodes(nodes)
    }
    client.follower = await EpochFollower.start({ id: client.id, origin, control, clock, settle }, stored)
    return client
  }

  get epoch(): number {
    return this.follower.epoch
  }

  /**
   * One command. Its keys decide where it runs; several keys must have one owner, but for MGET, DEL, UNLINK, EXISTS and
   * TOUCH, which are split. Errors: `UnknownOutcomeError`, `invalid` for a command that a ring can't run, the server's.
   */
  async call(command: string, ...args: CommandPart[]): Promise<Exclude<Reply, ReplyError>> {
    const name = command.toLowerCase()
    const parts = args.map((arg) => (typeof arg === 'object' ? Buffer.from(arg) : Buffer.from(String(arg))))
    const table = await this.commandTable()
    const keys = table.positions
      .of(name, parts.length + 1, (index) => parts[index - 1]!)
      .map((index) => parts[index - 1]!)
    if (keys.length === 0) throw unsuitable(command, 'it names no key, and a ring has many nodes')
    if (table.isBlocking(name)) throw unsuitable(command, 'it blocks its connection')
    const how = splittable[name]
    if (how !== undefined && keys.length > 1) return this.split(name, keys, how)
    const isWrite = table.isWrite(name)
    return this.run({ command: [command, ...parts], keys, isWrite })
  }

  /** Waits for what is under way, takes its name off the register, and closes every connection. */
  async close(): Promise<void> {
    await this.follower.stop()
    this.connections.close()
    await this.options.control.close()
  }

  private async split(
    name: string,
    keys: readonly Buffer[],
    how: 'list' | 'sum',
  ): Promise<Exclude<Reply, ReplyError>> {
    const replies = await Promise.all(keys.map((key) => this.call(single[name] ?? name.toUpperCase(), key)))
    return how === 'list' ? [...replies] : replies.reduce<number>((sum, reply) => sum + Number(reply), 0)
  }

  private async run(request: Request): Promise<Exclude<Reply, ReplyError>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await this.follower.inEpoch(() => this.attempt(request))
        if (!(reply instanceof ReplyError)) return reply
        if (reply.code !== closedCode)
          throw replyFailure(this.accessFor(request), String(request.command[0]), reply)
        await this.follower.refresh()
      } catch (error) {
        if (error instanceof StaleEpoch) await this.follower.refresh()
        else await this.afterFailure(request, attempt, error)
      }
    }
  }

  /** Reads may be repeated, and writes that were certainly not sent (R6); anything else is the caller's to decide. */
  private async afterFailure(request: Request, attempt: number, failure: unknown): Promise<void> {
    const isLost = failure instanceof CachectlError && failure.exitCode === ExitCode.unreachable
    if (!isLost) throw failure
    if (request.sentWrite) throw new UnknownOutcomeError(failure)
    if (attempt >= maxAttempts || this.follower.signal.aborted) throw failure
    await this.options.clock.sleep(20 * 2 ** attempt)
  }

  private attempt(request: Request): Promise<Reply> {
    const routes = request.keys.map((key) => this.follower.routeOf(key))
    const route = routes[0]!
    if (routes.some(({ source, target }) => source !== route.source || target !== route.target)) {
      throw unsuitable(
        String(request.command[0]),
        'its keys have several owners; a hash tag can keep keys together',
      )
    }
    const { phase } = this.follower
    if (phase === 'stable' || route.source === route.target) return this.runAt(route.source, request)
    if (route.isLost) {
      if (phase === 'prepare') throw new StaleEpoch()
      return this.runAt(route.target, request)
    }
    if (!request.isWrite) return this.readMoving(route, request)
    return phase === 'prepare' ? this.runAt(route.source, request, true) : this.writeMoving(route, request)
  }

  private async runAt(node: string, request: Request, isGated = false): Promise<Reply> {
    const connection = await this.connection(node)
    request.sentWrite = request.isWrite
    const command = isGated ? gatedCommand(this.epoch, request.keys, request.command) : request.command
    const [reply] = await connection.send([command])
    return reply!
  }

  /** Target, source, target: a key moves in that direction only, so the second look at the target decides. */
  private async readMoving({ source, target }: Route, { command, keys }: Request): Promise<Reply> {
    const exists: Command = ['EXISTS', ...keys]
    const atTarget = await this.connection(target)
    const [isThere, found] = await atTarget.send([exists, command])
    if (Number(isThere) > 0) return found!
    const atSource = await this.connection(source)
    const [read, wasThere] = await atSource.send([command, exists])
    if (Number(wasThere) > 0) return read!
    const [last] = await (await this.connection(target)).send([command])
    return last!
  }

  /** A big key is the operator's to move: copying it here would hold this write up, and the servers with it. */
  private async writeMoving(route: Route, request: Request): Promise<Reply> {
    const source = await this.connection(route.source)
    const move = { bigKeyBytes: defaultBigKeyBytes }
    while (Number((await source.send([['EXISTS', ...request.keys]]))[0]) > 0) {
      const { big } = await this.connections.withPair(
        route.source,
        route.target,
        () => this.follower.requireFresh(),
        (pair) => moveLive(pair, request.keys, move),
      )
      if (big.length > 0) await this.options.clock.sleep(bigKeyPollMs)
    }
    return this.runAt(route.target, request)
  }

  /** A data connection; a new one is used only when the state is still the one we serve (R5). */
  private connection(node: string): Promise<RespConnection> {
    return this.connections.get(node, () => this.follower.requireFresh())
  }

  private commandTable(): Promise<CommandTable> {
    this.table ??= this.readTable()
    this.table.catch(() => {
      this.table = undefined
    })
    return this.table
  }

  /** From whichever node answers. */
  private async readTable(): Promise<CommandTable> {
    let failure: unknown
    for (const { id } of this.follower.nodes) {
      try {
        return await readCommandTable(await this.connection(id))
      } catch (error) {
        failure = error
        if (error instanceof StaleEpoch) await this.follower.refresh()
      }
    }
    throw failure instanceof StaleEpoch
      ? unreachable('the ring changed while it was being read; try again')
      : failure
  }

  private accessFor({ keys }: Request): NodeAccess {
    const { target } = this.follower.routeOf(keys[0]!)
    const node = this.follower.nodes.find(({ id }) => id === target)
    if (!node) throw unreachable(`no node ${target}`)
    return { node }
  }
}

interface Request {
  readonly command: Command
  readonly keys: readonly Buffer[]
  readonly isWrite: boolean
  /** The write itself has been handed to a socket: from here on a loss leaves its outcome unknown. */
  sentWrite?: boolean
}

function unsuitable(command: string, why: string): CachectlError {
  return invalid(`${printable(command.toUpperCase())} can't run on a ring: ${why}`)
}
