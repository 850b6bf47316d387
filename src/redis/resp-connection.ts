/**
 * A connection for pipelines: many commands, one buffer, one write. It never reconnects and never resends:
 * after a loss the outcome of what was in flight is unknown, and only the caller knows what that means.
 */
import type { Socket } from 'node:net'
import { CachectlError, describeError, ExitCode, stopped, unreachable } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import { type Command, encodeCommands, type Reply, ReplyError, ReplyParser } from './resp.js'
import { connectionError, nodeName, openSocket } from './socket.js'

export interface RespOptions {
  readonly connectTimeoutMs?: number
  /** A pipeline whose replies stop coming for this long ends the connection. */
  readonly idleTimeoutMs?: number
  readonly clientName?: string
  /** Takes what the server says unasked, in order with the replies. It speaks only after `HELLO 3`. */
  readonly onPush?: (items: readonly Reply[]) => void
  /** Called once, at the moment of the loss. */
  readonly onLost?: () => void
}

const defaultIdleTimeoutMs = 30_000
/** No work is lost when a fresh connection is given up, so that a node which accepts and says nothing is found sooner. */
const longestHandshakeMs = 15_000

interface Waiter {
  readonly replies: Reply[]
  readonly count: number
  resolve(replies: Reply[]): void
  reject(error: unknown): void
}

/** A connection to a node, as clients and moves use it; `openConnection` gives one over a socket. */
export interface RespConnection {
  readonly access: NodeAccess
  /** The other side went away or stopped answering, or we closed it. */
  readonly isLost: boolean
  /**
   * One write; the replies in order, error replies among them as values. Rejects when the connection is lost. `isTold`: a
   * connection that is told of changes of what it has asked for only asks for these.
   */
  send(commands: readonly Command[], isTold?: boolean): Promise<Reply[]>
  /** One command; an error reply is thrown, naming node and command. */
  call(...command: CommandOf): Promise<Exclude<Reply, ReplyError>>
  close(): void
}

/** Connects, authenticates, selects the database. Errors name the node and the remedy, never the secret. */
export type OpenConnection = (access: NodeAccess, options?: RespOptions) => Promise<RespConnection>

export const openConnection: OpenConnection = (access, options) => SocketConnection.open(access, options)

class SocketConnection implements RespConnection {
  private readonly waiters: Waiter[] = []
  private unsent: Command[] = []
  private closed: Error | undefined
  private silence!: NodeJS.Timeout

  private constructor(
    readonly access: NodeAccess,
    private readonly socket: Socket,
    idleTimeoutMs: number,
    private readonly options: RespOptions,
  ) {
    this.limitSilence(idleTimeoutMs)
    const parser = new ReplyParser((reply) => this.accept(reply), options.onPush)
    const lost = (why: string, cause?: unknown) => this.lose(why, cause)
    socket.on('data', (chunk: Buffer) => {
      this.silence.refresh()
      try {
        parser.feed(chunk)
      } catch (error) {
        lost(describeError(error), error)
      }
    })
    const closed = 'the connection was closed'
    // a write that comes after the other side's end, and before our own, is told as EPIPE
    socket.on('error', (error) =>
      lost('code' in error && error.code === 'EPIPE' ? closed : describeError(error), error),
    )
    socket.on('close', () => lost(closed))
  }

  /** A timer of our own, because a socket's timeout is also put off by what is written. */
  private limitSilence(idleTimeoutMs: number): void {
    clearTimeout(this.silence)
    this.silence = setTimeout(() => {
      if (this.waiters.length > 0) this.lose(`no reply for ${idleTimeoutMs} ms`)
    }, idleTimeoutMs).unref()
  }

  static async open(access: NodeAccess, options: RespOptions = {}): Promise<RespConnection> {
    const socket = await openSocket(access.node, options)
    const { idleTimeoutMs = defaultIdleTimeoutMs } = options
    const connection = new SocketConnection(
      access,
      socket,
      Math.min(longestHandshakeMs, idleTimeoutMs),
      options,
    )
    try {
      const setUp = handshake(access, options.clientName)
      if (setUp.length > 0) assertHandshake(access, await connection.send(setUp))
    } catch (error) {
      connection.close()
      throw connectionError(access.node, error)
    }
    connection.limitSilence(idleTimeoutMs)
    return connection
  }

  send(commands: readonly Command[]): Promise<Reply[]> {
    if (this.closed) return Promise.reject(this.closed)
    if (commands.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      if (this.waiters.length === 0) this.silence.refresh()
      this.waiters.push({ replies: [], count: commands.length, resolve, reject })
      if (this.unsent.length === 0) process.nextTick(() => this.flush())
      for (const command of commands) this.unsent.push(command)
    })
  }

  /** What callers send in one turn of the event loop is one write. */
  private flush(): void {
    const commands = this.unsent
    this.unsent = []
    if (!this.closed) this.socket.write(encodeCommands(commands))
  }

  call(...command: CommandOf): Promise<Exclude<Reply, ReplyError>> {
    return callOver(this, command)
  }

  get isLost(): boolean {
    return this.closed !== undefined
  }

  close(): void {
    this.fail(unreachable(`node ${nodeName(this.access.node)}: the connection was closed by us`))
  }

  private accept(reply: Reply): void {
    const waiter = this.waiters[0]
    if (!waiter) throw new Error('a reply without a command')
    waiter.replies.push(reply)
    if (waiter.replies.length < waiter.count) return
    this.waiters.shift()
    waiter.resolve(waiter.replies)
  }

  private lose(why: string, cause?: unknown): void {
    this.fail(unreachable(`node ${nodeName(this.access.node)}: ${why}`, undefined, cause))
  }

  private fail(error: Error): void {
    if (this.closed) return
    this.closed = error
    clearTimeout(this.silence)
    this.socket.destroy()
    for (const waiter of this.waiters.splice(0)) waiter.reject(error)
    this.options.onLost?.()
  }
}

/** Sends one command over the connection and throws an error reply. */
export async function callOver(
  connection: Pick<RespConnection, 'access' | 'send'>,
  command: CommandOf,
): Promise<Exclude<Reply, ReplyError>> {
  const [reply] = await connection.send([command])
  if (reply instanceof ReplyError) throw replyFailure(connection.access, String(command[0]), reply)
  return reply as Exclude<Reply, ReplyError>
}

export type CommandOf = readonly [string, ...(Uint8Array | string | number)[]]

/** What must be sent first on a fresh socket; each command answers `+OK`. */
export function handshake(access: NodeAccess, clientName?: string): Command[] {
  const commands: Command[] = []
  const { node, password } = access
  if (password !== undefined)
    commands.push(node.username ? ['AUTH', node.username, password] : ['AUTH', password])
  if (clientName) commands.push(['CLIENT', 'SETNAME', clientName])
  if (node.db !== 0) commands.push(['SELECT', node.db])
  return commands
}

/** Throws what the server said against the handshake. */
export function assertHandshake(access: NodeAccess, replies: readonly Reply[]): void {
  for (const reply of replies)
    if (reply instanceof ReplyError) throw replyFailure(access, 'the handshake', reply)
}

/** The server's error reply as ours: which node, which command, what to do, with a fitting exit code. */
export function replyFailure(access: NodeAccess, command: string, reply: ReplyError): CachectlError {
  const { node } = access
  const text = `node ${nodeName(node)}: ${printable(command)}: ${describeError(new Error(reply.message))}`
  const user = node.username ? `user ${printable(node.username)}` : 'the default user'
  switch (reply.code) {
    case 'NOAUTH':
    case 'WRONGPASS':
      return unreachable(text, `Check passwordEnv or passwordFile of this node in the topology (${user}).`)
    case 'NOPERM':
      return new CachectlError(text, {
        exitCode: ExitCode.refused,
        remedy: `Grant ${user} the right it names.`,
      })
    case 'READONLY':
      return new CachectlError(text, {
        exitCode: ExitCode.refused,
        remedy: 'This server is a replica: name its primary in the topology.',
      })
    case 'LOADING':
    case 'BUSY':
    case 'MASTERDOWN':
    case 'CLUSTERDOWN':
      return unreachable(text, 'The server does not serve now; try again.')
    case 'OOM':
      return stopped(text, 'Raise its maxmemory or free memory, and run the same command again.')
    default:
      return stopped(text)
  }
}
