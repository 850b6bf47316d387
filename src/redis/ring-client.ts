/**
 * A client of the ring that keeps every promise while nodes join and leave (docs/protocol.md §6). It follows the control
 * store, serves one epoch at a time, and acks an epoch only when nothing of the one before can still happen.
 */
import { randomUUID } from 'node:crypto'
import type { ControlStore, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { CachectlError, ExitCode, invalid, unreachable } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import { createRouter, nodesOf, type Route } from '../ring/epoch.js'
import type { NodeSpec } from '../ring/topology.js'
import { type CommandTable, readCommandTable } from './command-table.js'
import { closedCode, gatedCommand } from './gate.js'
import { moveLive } from './move-live.js'
import { type Command, type CommandPart, type Reply, ReplyError } from './resp.js'
import type { RespConnection } from './resp-connection.js'
import { replyFailure } from './resp-connection.js'
import { RingConnections } from './ring-connections.js'

export interface RingClientOptions {
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

/** The command must be routed anew: the ring's state has moved on. */
class StaleEpoch extends Error {}

const heartbeatMs = 1_000
const watchRetryMs = 250
const maxReadAttempts = 5
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
  private readonly stop = new AbortController()
  private readonly connections: RingConnections
  private readonly clock: Clock
  private stored: StoredState
  private route: (key: Uint8Array) => Route
  private table: Promise<CommandTable> | undefined
  private underWay = 0
  private adopting: Promise<void> | undefined
  private drained: (() => void) | undefined
  private ackedEpoch = -1
  private telling: Promise<void> = Promise.resolve()
  private readonly background: Promise<unknown>[] = []

  private constructor(
    private readonly options: RingClientOptions,
    stored: StoredState,
  ) {
    this.clock = options.clock
    this.stored = stored
    this.route = createRouter(stored.state)
    this.connections = new RingConnections({
      clientId: this.id,
      clock: options.clock,
      readAccess: options.readAccess,
      commandTimeoutMs: options.commandTimeoutMs ?? 2_000,
    })
  }

  /** Registers first, then reads the state, then serves (R1). */
  static async open(options: RingClientOptions): Promise<RingClient> {
    const { control } = options
    const stored = await control.load()
    if (!stored) {
      throw invalid(
        `control store ${printable(control.name)} holds no ring`,
        '`cachectl ring apply` puts the topology there.',
      )
    }
    const client = new RingClient(options, stored)
    await client.tell(-1)
    await client.adopt((await control.load()) ?? stored)
    client.background.push(client.follow(), client.beat())
    return client
  }

  get epoch(): number {
    return this.stored.state.epoch
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
    this.stop.abort()
    await Promise.all(this.background)
    await this.quiesce()
    this.connections.close()
    await this.options.control.removeClient(this.id).catch(() => undefined) // the operator fences it in time
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
      while (this.adopting) await this.adopting
      this.underWay += 1
      let failure: unknown
      try {
        const reply = await this.attempt(request)
        if (!(reply instanceof ReplyError)) return reply
        if (reply.code !== closedCode)
          throw replyFailure(this.accessFor(request), String(request.command[0]), reply)
        failure = new StaleEpoch()
      } catch (error) {
        failure = error
      } finally {
        this.leave()
      }
      if (failure instanceof StaleEpoch) {
        await this.refresh()
        continue
      }
      const isLost = failure instanceof CachectlError && failure.exitCode === ExitCode.unreachable
      const mayRetry = isLost && !request.sentWrite && attempt < maxReadAttempts && !this.stop.signal.aborted
      if (!mayRetry)
        throw isLost && request.sentWrite ? new UnknownOutcomeError(failure as CachectlError) : failure
      request.sentWrite = false
      await this.clock.sleep(20 * 2 ** attempt)
    }
  }

  private attempt(request: Request): Promise<Reply> {
    const routes = request.keys.map((key) => this.route(key))
    const route = routes[0]!
    if (routes.some(({ source, target }) => source !== route.source || target !== route.target)) {
      throw unsuitable(
        String(request.command[0]),
        'its keys have several owners; a hash tag can keep keys together',
      )
    }
    const { phase } = this.stored.state
    if (phase === 'stable' || route.source === route.target) return this.runAt(route.source, request)
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

  private async writeMoving(route: Route, request: Request): Promise<Reply> {
    const source = await this.connection(route.source)
    while (Number((await source.send([['EXISTS', ...request.keys]]))[0]) > 0) {
      await this.connections.withPair(
        route.source,
        route.target,
        () => this.freshEpoch(),
        (pair) => moveLive(pair, request.keys),
      )
    }
    return this.runAt(route.target, request)
  }

  /** A data connection; a new one is used only when the state is still the one we serve (R5). */
  private connection(node: string): Promise<RespConnection> {
    return this.connections.get(node, () => this.freshEpoch())
  }

  private async freshEpoch(): Promise<void> {
    const latest = await this.options.control.load()
    if (latest && latest.state.epoch !== this.epoch) throw new StaleEpoch()
  }

  private async refresh(): Promise<void> {
    const latest = await this.options.control.load()
    if (latest && latest.state.epoch > this.epoch) await this.adopt(latest)
    else await this.clock.sleep(5) // the gate rises before the state is published: it comes in a moment
  }

  /** Serves a newer epoch: nothing new starts, what is under way ends, what is unresolved is made impossible (R3, R4). */
  private async adopt(latest: StoredState): Promise<void> {
    while (this.adopting) await this.adopting
    if (latest.state.epoch <= this.epoch && this.ackedEpoch >= 0) return
    let done: () => void = () => {}
    this.adopting = new Promise((resolve) => {
      done = resolve
    })
    try {
      await this.quiesce()
      await this.connections.resolveLost()
      this.connections.setNodes(nodesOf(latest.state))
      this.stored = latest
      this.route = createRouter(latest.state)
      this.ackedEpoch = latest.state.epoch
      await this.tell(this.ackedEpoch)
    } finally {
      this.adopting = undefined
      done()
    }
  }

  private async quiesce(): Promise<void> {
    while (this.underWay > 0) {
      await new Promise<void>((resolve) => {
        this.drained = resolve
      })
    }
  }

  private leave(): void {
    this.underWay -= 1
    if (this.underWay === 0) this.drained?.()
  }

  private async follow(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        for await (const stored of this.options.control.watch(this.stop.signal)) {
          if (stored.state.epoch > this.epoch) await this.adopt(stored)
        }
      } catch {
        // the store or a node is away: we go on serving on the connections that we have (R7), and look again
        await this.clock.sleep(watchRetryMs, this.stop.signal).catch(() => undefined)
      }
    }
  }

  private async beat(): Promise<void> {
    while (!this.stop.signal.aborted) {
      await this.clock.sleep(heartbeatMs, this.stop.signal).catch(() => undefined)
      if (!this.stop.signal.aborted) await this.tell(this.ackedEpoch).catch(() => undefined) // a hint only
    }
  }

  /** One after the other: an ack must not be overtaken by an older sign of life. */
  private tell(ackedEpoch: number): Promise<void> {
    const { control, clock, origin } = this.options
    const put = () => control.putClient({ id: this.id, ackedEpoch, seenMs: clock.wallMs(), origin })
    this.telling = this.telling.then(put, put)
    return this.telling
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
    for (const { id } of nodesOf(this.stored.state)) {
      try {
        return await readCommandTable(await this.connection(id))
      } catch (error) {
        failure = error
        if (error instanceof StaleEpoch) await this.refresh()
      }
    }
    throw failure instanceof StaleEpoch
      ? unreachable('the ring changed while it was being read; try again')
      : failure
  }

  private accessFor({ keys }: Request): NodeAccess {
    const { target } = this.route(keys[0]!)
    const node = nodesOf(this.stored.state).find(({ id }) => id === target)
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
