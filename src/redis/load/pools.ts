/** The sockets of one thread, by node: opened by the nodes' shares, taken in turn, opened again after a loss. */
import type { NodeAccess } from '../../operations/ports.js'
import { LoadConnection, type LoadConnectionEvents } from './connection.js'

const reopenMs = 100
const readBufferBytes = 256 * 1024

export interface PoolOptions {
  readonly accesses: readonly NodeAccess[]
  readonly events: LoadConnectionEvents
  readonly wantsPayload: boolean
  readonly scripts: readonly string[]
}

export class Pools {
  private readonly pools: LoadConnection[][]
  private readonly turn: number[]
  private readonly readBuffer = Buffer.allocUnsafeSlow(readBufferBytes)
  private isClosed = false

  constructor(private readonly options: PoolOptions) {
    this.pools = options.accesses.map(() => [])
    this.turn = options.accesses.map(() => 0)
  }

  /** About `connections` in all, at least one for each node. */
  async open(connections: number, shares: Float64Array): Promise<void> {
    await Promise.all(
      this.pools.map(async (_, node) => {
        const count = Math.max(1, Math.round(connections * shares[node]!))
        this.pools[node] = await Promise.all(Array.from({ length: count }, () => this.connect(node)))
      }),
    )
  }

  /** undefined: every socket of this node is down. */
  choose(node: number): LoadConnection | undefined {
    const pool = this.pools[node]!
    if (pool.length === 0) return undefined
    const next = this.turn[node]! + 1 < pool.length ? this.turn[node]! + 1 : 0
    this.turn[node] = next
    return pool[next]
  }

  *all(): Iterable<LoadConnection> {
    for (const pool of this.pools) yield* pool
  }

  /** A connection is gone: another is opened, as often as it takes. */
  replace(lost: LoadConnection): void {
    const { node } = lost
    this.pools[node] = this.pools[node]!.filter((each) => each !== lost)
    this.reopenLater(node)
  }

  close(): void {
    this.isClosed = true
    for (const connection of this.all()) connection.close()
  }

  private reopenLater(node: number): void {
    setTimeout(async () => {
      if (this.isClosed) return
      try {
        const connection = await this.connect(node)
        if (this.isClosed) connection.close()
        else this.pools[node]!.push(connection)
      } catch {
        // requests to the node are counted as errors one by one; here it is only tried again
        this.reopenLater(node)
      }
    }, reopenMs)
  }

  private connect(node: number): Promise<LoadConnection> {
    const { accesses, events, wantsPayload, scripts } = this.options
    const access = accesses[node]!
    return LoadConnection.open({ access, node, events, readBuffer: this.readBuffer, wantsPayload, scripts })
  }
}
