/**
 * One connection that goes into MONITOR and out of it again by RESET, which spares connecting each time. A server without
 * RESET (before Redis 6.2) is hung up on, and so is one that has sent too much: what waits there for us is freed at once.
 */
import type { Socket } from 'node:net'
import { unreachable } from '../../errors.js'
import type { KeyPositions } from '../../hotkeys/key-positions.js'
import { MonitorStream } from '../../hotkeys/monitor-stream.js'
import type { SampledCommand } from '../../hotkeys/sampled.js'
import type { BurstLimits } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import { type Command, encodeCommands, ReplyError } from '../resp.js'
import { handshake, replyFailure } from '../resp-connection.js'
import { connectionError, nodeName, openSocket } from '../socket.js'

export interface SeenBurst {
  readonly commands: SampledCommand[]
  /** Lines the server has written, those past the limit among them. */
  readonly lines: number
  readonly argumentBytes: number
  readonly bytes: number
}

export interface MonitorOptions {
  readonly positions: KeyPositions
  /** So many commands of ours go to the node. */
  sent(count: number): void
  /** An answer of the node is waited for. */
  timed<T>(answer: Promise<T>): Promise<T>
}

const answerTimeoutMs = 2_000
const minus = '-'

export class MonitorConnection {
  clientId = 0
  private closed = false
  private failure: Error | undefined
  private readonly stream: MonitorStream
  /** One takes the replies, and hears of the end. */
  private onReply: (line: string) => void = () => {}
  private onEnd: () => void = () => {}
  private onChunk: (bytes: number) => void = () => {}
  private onCommand: (command: SampledCommand) => void = () => {}

  private constructor(
    private readonly access: NodeAccess,
    private readonly socket: Socket,
    private readonly options: MonitorOptions,
  ) {
    this.stream = new MonitorStream({
      positions: options.positions,
      database: access.node.db,
      onCommand: (command) => this.onCommand(command),
      onReply: (line) => this.onReply(line),
    })
    socket.on('data', (chunk: Buffer) => {
      if (this.closed) return
      this.stream.feed(chunk)
      this.onChunk(chunk.length)
    })
    const lost = (error?: Error) => {
      this.closed = true
      this.failure ??= connectionError(access.node, error ?? new Error('the connection was closed'))
      this.onEnd()
    }
    socket.on('error', lost)
    socket.on('close', () => lost())
  }

  /** Errors: `unreachable`, `refused`, naming the node. */
  static async open(access: NodeAccess, options: MonitorOptions): Promise<MonitorConnection> {
    const connection = new MonitorConnection(access, await openSocket(access.node), options)
    try {
      const id = (await connection.ask([...handshake(access), ['CLIENT', 'ID']])).at(-1) ?? ''
      connection.clientId = Number(id.slice(1))
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  get isLost(): boolean {
    return this.closed
  }

  /** What was seen until the limits, or until the connection was ended from outside. */
  async burst(limits: BurstLimits): Promise<SeenBurst> {
    const { stream } = this
    const start = { lines: stream.lineCount, argumentBytes: stream.argumentBytes }
    const commands: SampledCommand[] = []
    let bytes = 0
    this.onCommand = (command) => {
      if (stream.lineCount - start.lines <= limits.maxLines) commands.push(command)
    }
    const full = new Promise<void>((resolve) => {
      this.onChunk = (more) => {
        bytes += more
        if (bytes >= limits.maxBytes) this.close()
        if (stream.lineCount - start.lines >= limits.maxLines || this.closed) resolve()
      }
    })
    try {
      // RESET has logged us off; the database is of no matter to MONITOR
      await this.ask([...handshake({ ...this.access, node: { ...this.access.node, db: 0 } }), ['MONITOR']])
      await this.orEnd(full, limits.maxMs)
      await this.endMonitor()
      // before Redis 7 our own has a line too, by an address that a socket file or a NAT makes none of ours
      if (commands.at(-1)?.command === 'reset') commands.pop()
    } finally {
      this.onChunk = () => {}
      this.onCommand = () => {}
    }
    return {
      ...{ commands, bytes },
      lines: stream.lineCount - start.lines,
      argumentBytes: stream.argumentBytes - start.argumentBytes + (this.closed ? stream.pendingBytes : 0),
    }
  }

  /** At once: the server sees the end of the connection, and its monitor is gone. */
  close(): void {
    this.closed = true
    this.socket.destroy()
    this.onEnd()
  }

  private async endMonitor(): Promise<void> {
    if (this.closed) return
    try {
      await this.ask([['RESET']])
    } catch {
      // refused, unknown or not answered: closing does the same, and the next burst tells if the node is gone
      this.close()
    }
  }

  private ask(commands: readonly Command[]): Promise<string[]> {
    return this.options.timed(this.answersTo(commands))
  }

  /** Each must answer with something else than an error. */
  private async answersTo(commands: readonly Command[]): Promise<string[]> {
    const lines: string[] = []
    this.options.sent(commands.length)
    const answered = new Promise<void>((resolve) => {
      this.onReply = (line) => {
        lines.push(line)
        if (lines.length >= commands.length || line.startsWith(minus)) resolve()
      }
    })
    if (!this.closed) this.socket.write(encodeCommands(commands))
    await this.orEnd(answered, answerTimeoutMs)
    this.onReply = () => {}
    const refusal = lines.find((line) => line.startsWith(minus))
    const last = String(commands.at(-1)?.join(' '))
    if (refusal)
      throw replyFailure(
        this.access,
        last,
        new ReplyError(refusal.slice(1).split(' ', 1)[0] ?? '', refusal.slice(1)),
      )
    if (lines.length >= commands.length) return lines
    throw (
      this.failure ?? unreachable(`node ${nodeName(this.access.node)}: ${last} was not answered within 2 s`)
    )
  }

  /** Resolves with the promise, the end of the connection or the time, whichever comes first. */
  private async orEnd(promise: Promise<void>, ms: number): Promise<void> {
    if (this.closed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      const done = () => {
        clearTimeout(timer)
        resolve()
      }
      this.onEnd = done
      void promise.then(done)
    })
    this.onEnd = () => {}
  }
}
