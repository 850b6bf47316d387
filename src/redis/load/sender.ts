/** Turns a request into bytes on a connection and an entry among its pending ones. */
import type { Random } from '../../random.js'
import type { RequestSource } from '../../workload/request-source.js'
import type { OperationSpec } from '../../workload/workload.js'
import { CommandWriter, type Writable } from './commands.js'
import type { LoadConnection } from './connection.js'
import type { LoadKeys } from './keys.js'
import { maxOps, secondHalf } from './pending.js'
import type { Verifier } from './verifier.js'

export interface SenderOptions {
  readonly operations: readonly OperationSpec[]
  /** For each operation, the keys of its keyspace. */
  readonly keys: readonly LoadKeys[]
  readonly random: Random
  readonly verifier: Verifier | undefined
}

export class Sender {
  /** Sent and not answered, by this thread. */
  underWay = 0
  private readonly writer: CommandWriter
  private readonly dirty: LoadConnection[] = []
  private isFlushDue = false

  constructor(private readonly options: SenderOptions) {
    this.writer = new CommandWriter(options.operations, options.keys, options.random)
  }

  /** `tag` says operation, phase and half (pending.ts). */
  send(connection: LoadConnection, tag: number, request: Writable, sentMs: number, dueMs: number): void {
    const { verifier } = this.options
    const op = tag & maxOps
    const { key } = request
    let floor = 0
    let replies = 1
    switch (this.options.operations[op]!.kind) {
      case 'read':
        if (verifier) floor = verifier.floorOf(key)
        this.writer.get(connection, op, key)
        break
      case 'write':
      case 'insert':
        floor = this.write(connection, op, request)
        break
      case 'read-modify-write':
        if (tag & secondHalf) floor = this.write(connection, op, request)
        else this.writer.get(connection, op, key)
        break
      case 'remove':
        if (verifier) floor = verifier.beginRemoval(key)
        this.writer.unlink(connection, op, key)
        break
      default:
        replies = this.writer.custom(connection, op, request)
    }
    this.enter(connection, tag, request, sentMs, dueMs, floor, replies)
  }

  /** One MGET of the first `count` of `numbers`, all of which this node owns. */
  sendMany(
    connection: LoadConnection,
    tag: number,
    source: RequestSource,
    numbers: Uint32Array,
    count: number,
    sentMs: number,
    dueMs: number,
  ): void {
    this.writer.getMany(connection, tag & maxOps, numbers, count)
    this.enter(connection, tag, source, sentMs, dueMs, 0, 1)
  }

  flush(): void {
    const { dirty } = this
    for (let index = 0; index < dirty.length; index++) dirty[index]!.flush()
    dirty.length = 0
  }

  /** Once for all replies of this turn of the event loop: the server wakes up once for what they lead to. */
  flushAfterTurn(): void {
    if (this.isFlushDue) return
    this.isFlushDue = true
    setImmediate(this.flushDue)
  }

  private readonly flushDue = (): void => {
    this.isFlushDue = false
    this.flush()
  }

  private enter(
    connection: LoadConnection,
    tag: number,
    request: Writable,
    sentMs: number,
    dueMs: number,
    floor: number,
    replies: number,
  ): void {
    connection.pending.push(tag, request, sentMs, dueMs, floor, replies)
    this.underWay += 1
    if (connection.isDirty) return
    connection.isDirty = true
    this.dirty.push(connection)
  }

  private write(connection: LoadConnection, op: number, request: Writable): number {
    const { verifier } = this.options
    if (!verifier) {
      this.writer.set(connection, op, request, undefined)
      return 0
    }
    const floor = verifier.settledOf(request.key)
    this.writer.set(connection, op, request, verifier.stamp(request.key))
    return floor
  }
}
