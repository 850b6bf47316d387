/**
 * One socket of a load: commands are appended to a buffer and written once a turn, replies are scanned in place from a
 * read buffer that all sockets of a thread share.
 */
import type { Socket } from 'node:net'
import type { NodeAccess } from '../../operations/ports.js'
import { encodeCommands } from '../resp.js'
import { handshake } from '../resp-connection.js'
import { connectionError, openSocket } from '../socket.js'
import { Pending } from './pending.js'
import { type ReplyHandler, ReplyScanner } from './reply-scanner.js'

/** `slot` is an index into the arrays of `connection.pending`, valid during the call. */
export interface LoadConnectionEvents {
  /** A chunk has arrived; called before its replies are scanned. */
  onChunk(): void
  /** The last reply of the oldest request. */
  onReply(connection: LoadConnection, slot: number, values: number, nils: number): void
  onErrorReply(connection: LoadConnection, slot: number, code: string): void
  /** A value of the oldest request, where verification wants to see it. */
  onPayload(connection: LoadConnection, slot: number, bytes: Uint8Array, start: number, end: number): void
  /** The chunk's replies are scanned. */
  onChunkEnd(): void
  /** The socket is gone; what is in `pending` has no answer. */
  onLost(connection: LoadConnection, error: Error): void
}

export interface LoadConnectionOptions {
  readonly access: NodeAccess
  /** The node's index in the topology. */
  readonly node: number
  readonly events: LoadConnectionEvents
  /** Shared by all connections of a thread: the kernel fills it right before it is scanned. */
  readonly readBuffer: Uint8Array
  readonly wantsPayload: boolean
  /** Lua texts that EVALSHA will name. */
  readonly scripts: readonly string[]
}

const startBufferBytes = 512

export class LoadConnection {
  readonly node: number
  readonly pending = new Pending()
  /** Where the next command's bytes go; moved on by who writes them into what `reserve` gave. */
  writeStart = 0
  /** Has commands to flush, and somebody knows. */
  isDirty = false
  private out = Buffer.allocUnsafe(startBufferBytes)
  private socket: Socket | undefined
  /** The first error among the replies of a request with several. */
  private failure = ''

  private constructor(private readonly options: LoadConnectionOptions) {
    this.node = options.node
  }

  /** Connects, authenticates, loads scripts. */
  static async open(options: LoadConnectionOptions): Promise<LoadConnection> {
    const connection = new LoadConnection(options)
    await connection.connect()
    return connection
  }

  /** Space for at least `bytes` after `writeStart`. */
  reserve(bytes: number): Buffer {
    if (this.out.length - this.writeStart < bytes) {
      const larger = Buffer.allocUnsafe(Math.max(this.out.length * 2, this.writeStart + bytes))
      this.out.copy(larger, 0, 0, this.writeStart)
      this.out = larger
    }
    return this.out
  }

  /** What is in the buffer, then these bytes from where they lie. They must not change any more. */
  writeThrough(bytes: Buffer): void {
    this.flush()
    this.socket?.write(bytes)
  }

  flush(): void {
    const { socket } = this
    this.isDirty = false
    if (this.writeStart === 0 || !socket) return
    socket.write(this.out.subarray(0, this.writeStart))
    // what the kernel did not take at once is still read from the buffer: leave it to the socket
    if (socket.writableLength > 0) this.out = Buffer.allocUnsafe(this.out.length)
    this.writeStart = 0
  }

  close(): void {
    const { socket } = this
    this.socket = undefined
    socket?.destroy()
  }

  private async connect(): Promise<void> {
    const { access, events, readBuffer, scripts } = this.options
    const setUp = [...handshake(access), ...scripts.map((text) => ['SCRIPT', 'LOAD', text])]
    let greetings = setUp.length
    let greeted: (error?: Error) => void = () => {}
    const handler: ReplyHandler = {
      onReply: (values, nils) => {
        if (greetings === 0) this.answer(values, nils)
        else if (--greetings === 0) greeted()
      },
      onError: (code) => {
        if (greetings === 0) this.answerError(code)
        else greeted(new Error(`${code}: the handshake was refused`))
      },
      onPayload: (bytes, start, end) => {
        events.onPayload(this, this.pending.first, bytes, start, end)
      },
    }
    const scanner = new ReplyScanner(handler)
    const socket = await openSocket(access.node, {
      onread: {
        buffer: readBuffer,
        callback: (length, chunk) => {
          if (greetings > 0) scanner.feed(chunk, length)
          else {
            events.onChunk()
            scanner.feed(chunk, length)
            events.onChunkEnd()
          }
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
    scanner.wantsPayload = this.options.wantsPayload
    this.watch(socket)
    this.socket = socket
  }

  private watch(socket: Socket): void {
    let failure = new Error('connection closed')
    socket.on('error', (error) => {
      failure = error
    })
    socket.on('close', () => {
      if (this.socket !== socket) return
      this.socket = undefined
      this.writeStart = 0
      this.options.events.onLost(this, failure)
    })
  }

  private answer(values: number, nils: number): void {
    const slot = this.lastReplySlot()
    if (slot < 0) return
    const { events } = this.options
    if (this.failure === '') events.onReply(this, slot, values, nils)
    else events.onErrorReply(this, slot, this.takeFailure(''))
  }

  private answerError(code: string): void {
    const slot = this.lastReplySlot()
    if (slot < 0) this.failure ||= code
    else this.options.events.onErrorReply(this, slot, this.takeFailure(code))
  }

  /** The oldest request's slot when this was its last reply; -1: more are to come. */
  private lastReplySlot(): number {
    const { pending } = this
    const slot = pending.first
    if (pending.replies[slot]! > 1) {
      pending.replies[slot]! -= 1
      return -1
    }
    pending.dropFirst()
    return slot
  }

  private takeFailure(code: string): string {
    const first = this.failure || code
    this.failure = ''
    return first
  }
}
