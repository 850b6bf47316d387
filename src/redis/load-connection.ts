/**
 * One socket of a load: commands are appended to a buffer and written once a turn, replies are counted in place from a
 * static read buffer. Requests under way stand in typed-array rings, oldest first.
 */
import type { Socket } from 'node:net'
import type { NodeAccess } from '../operations/ports.js'
import { ReplyCounter, type ReplyHandler } from './reply-counter.js'
import { encodeCommands } from './resp.js'
import { handshake } from './resp-connection.js'
import { connectionError, openSocket } from './socket.js'

export interface LoadConnectionEvents {
  /** A chunk has arrived; called before its replies are counted. */
  onChunk(): void
  onReply(
    connection: LoadConnection,
    outcome: 'hit' | 'miss' | 'done',
    op: number,
    key: number,
    startedMs: number,
  ): void
  onErrorReply(connection: LoadConnection, code: string): void
  /** The chunk's replies are counted. */
  onChunkEnd(): void
  /** The socket is gone; `pending` requests have no answer. */
  onLost(connection: LoadConnection, error: Error, pending: number): void
}

const readBufferBytes = 64 * 1024

export class LoadConnection {
  private out: Buffer
  private outEnd = 0
  private ops = new Uint8Array(64)
  private keys = new Uint32Array(64)
  private starts = new Float64Array(64)
  private head = 0
  private tail = 0
  private socket: Socket | undefined

  private constructor(
    readonly node: number,
    private readonly events: LoadConnectionEvents,
    outBytes: number,
  ) {
    this.out = Buffer.allocUnsafe(outBytes)
  }

  /** Connects and authenticates. `node` is the node's index in the topology. */
  static async open(
    access: NodeAccess,
    node: number,
    events: LoadConnectionEvents,
    outBytes = 16 * 1024,
  ): Promise<LoadConnection> {
    const connection = new LoadConnection(node, events, outBytes)
    await connection.connect(access)
    return connection
  }

  get pending(): number {
    return this.tail - this.head
  }

  /** Space for a command of at most `bytes`; the caller writes there and calls `commit`. */
  reserve(bytes: number): Buffer {
    if (this.out.length - this.outEnd < bytes) {
      const larger = Buffer.allocUnsafe(Math.max(this.out.length * 2, this.outEnd + bytes))
      this.out.copy(larger, 0, 0, this.outEnd)
      this.out = larger
    }
    return this.out
  }

  get writeStart(): number {
    return this.outEnd
  }

  commit(end: number, request: { op: number; key: number }, startedMs: number): void {
    this.outEnd = end
    if (this.tail - this.head === this.ops.length) this.grow()
    const slot = this.tail & (this.ops.length - 1)
    this.ops[slot] = request.op
    this.keys[slot] = request.key
    this.starts[slot] = startedMs
    this.tail += 1
  }

  flush(): void {
    if (this.outEnd === 0 || !this.socket) return
    this.socket.write(this.out.subarray(0, this.outEnd))
    // what the kernel did not take at once is still read from the buffer: leave it to the socket
    if (this.socket.writableLength > 0) this.out = Buffer.allocUnsafe(this.out.length)
    this.outEnd = 0
  }

  close(): void {
    const { socket } = this
    this.socket = undefined
    socket?.destroy()
  }

  private async connect(access: NodeAccess): Promise<void> {
    const setUp = handshake(access)
    let greetings = setUp.length
    let greeted: (error?: Error) => void = () => {}
    const handler: ReplyHandler = {
      onHit: () => this.answer('hit'),
      onMiss: () => this.answer('miss'),
      onDone: () => {
        if (greetings === 0) this.answer('done')
        else if (--greetings === 0) greeted()
      },
      onError: (code) => {
        if (greetings > 0) greeted(new Error(`${code}: the handshake was refused`))
        else this.answerError(code)
      },
    }
    const counter = new ReplyCounter(handler)
    const socket = await openSocket(access.node, {
      onread: {
        buffer: Buffer.allocUnsafe(readBufferBytes),
        callback: (length, chunk) => {
          if (greetings === 0) this.events.onChunk()
          counter.feed(chunk, length)
          if (greetings === 0) this.events.onChunkEnd()
          return true
        },
      },
    })
    if (greetings > 0) {
      await new Promise<void>((resolve, reject) => {
        greeted = (error) => (error ? reject(connectionError(access.node, error)) : resolve())
        socket.once('error', reject)
        socket.once('close', () =>
          reject(connectionError(access.node, new Error('closed during the handshake'))),
        )
        socket.write(encodeCommands(setUp))
      })
      socket.removeAllListeners('error')
      socket.removeAllListeners('close')
    }
    let failure = new Error('connection closed')
    socket.on('error', (error) => {
      failure = error
    })
    socket.on('close', () => {
      if (this.socket !== socket) return
      this.socket = undefined
      const lost = this.pending
      this.head = this.tail
      this.outEnd = 0
      this.events.onLost(this, failure, lost)
    })
    this.socket = socket
  }

  private answer(outcome: 'hit' | 'miss' | 'done'): void {
    const slot = this.head++ & (this.ops.length - 1)
    this.events.onReply(this, outcome, this.ops[slot]!, this.keys[slot]!, this.starts[slot]!)
  }

  private answerError(code: string): void {
    this.head += 1
    this.events.onErrorReply(this, code)
  }

  private grow(): void {
    const size = this.ops.length
    const ops = new Uint8Array(size * 2)
    const keys = new Uint32Array(size * 2)
    const starts = new Float64Array(size * 2)
    for (let i = this.head; i < this.tail; i++) {
      const [from, to] = [i & (size - 1), i & (2 * size - 1)]
      ops[to] = this.ops[from]!
      keys[to] = this.keys[from]!
      starts[to] = this.starts[from]!
    }
    this.ops = ops
    this.keys = keys
    this.starts = starts
  }
}
