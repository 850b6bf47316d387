/**
 * The closed loop of one thread. `connections × pipeline` requests are under way at any time; each reply sends the next
 * request to the node that owns its key, on the same socket when that node is the same.
 */
import { systemClock } from '../clock.js'
import { histogramLength, slotOf, unitsPerMs } from '../measure/latency-histogram.js'
import { createRandom } from '../random.js'
import { buildRing } from '../ring/build-ring.js'
import { createSource, operation, operationNames, type RequestSource } from '../workload/requests.js'
import { CommandWriter } from './load-commands.js'
import { LoadConnection, type LoadConnectionEvents } from './load-connection.js'
import { createLoadKeys } from './load-keys.js'
import { type LoadJob, phase } from './load-protocol.js'
import { OwnerCache } from './owner-cache.js'

const reconnectMs = 100

export class LoadEngine implements LoadConnectionEvents {
  private readonly source: RequestSource
  private readonly writer: CommandWriter
  private readonly owners: OwnerCache
  private readonly pools: LoadConnection[][]
  private readonly turn: number[]
  private readonly dirty = new Set<LoadConnection>()
  private readonly errorKinds = new Map<string, number>()
  private phase: number = phase.wait
  private nowMs = 0
  private measureStartMs = 0
  private lastReplyMs = 0
  private issued = 0
  private answered = 0
  private underWay = 0
  private ended = false
  private finish: () => void = () => {}
  private readonly finished: Promise<void>

  constructor(private readonly job: LoadJob) {
    const keys = createLoadKeys(job.keys)
    const random = createRandom(job.seed + job.part.index)
    this.source = createSource(job.source, {
      keyCount: keys.count,
      valueBytes: job.valueBytes,
      random,
      part: job.part,
    })
    this.writer = new CommandWriter(keys, job.ttlSeconds)
    this.owners = new OwnerCache(buildRing(job.topology), keys)
    this.pools = job.accesses.map(() => [])
    this.turn = job.accesses.map(() => 0)
    this.finished = new Promise((resolve) => {
      this.finish = resolve
    })
  }

  /** Sockets are spread over the nodes by their share of the ring, at least one for each. */
  async connect(): Promise<void> {
    const { accesses, connections, topology } = this.job
    const shares = buildRing(topology).shares()
    await Promise.all(
      accesses.map(async (access, node) => {
        const count = Math.max(1, Math.round(connections * shares[node]!))
        this.pools[node] = await Promise.all(
          Array.from({ length: count }, () => LoadConnection.open(access, node, this)),
        )
      }),
    )
  }

  /** Resolves when the source has ended, the limit is reached or the main thread says stop, and all is answered. */
  async run(): Promise<{ seconds: number; errorKinds: Record<string, number> }> {
    this.nowMs = systemClock.nowMs()
    this.readPhase()
    for (let i = this.job.connections * this.job.pipeline; i > 0; i--) this.issue(undefined)
    this.flush()
    const watch = setInterval(() => {
      this.nowMs = systemClock.nowMs()
      this.readPhase()
      if (this.ended && this.underWay === 0) this.finish()
    }, 50)
    await this.finished
    clearInterval(watch)
    for (const pool of this.pools) for (const connection of pool) connection.close()
    const seconds = Math.max(0, this.lastReplyMs - this.measureStartMs) / 1000
    return { seconds, errorKinds: Object.fromEntries(this.errorKinds) }
  }

  onChunk(): void {
    this.nowMs = systemClock.nowMs()
    this.readPhase()
  }

  onReply(
    connection: LoadConnection,
    outcome: 'hit' | 'miss' | 'done',
    op: number,
    key: number,
    startedMs: number,
  ): void {
    const { node } = connection
    this.underWay -= 1
    if (this.phase >= phase.measure && startedMs >= this.measureStartMs)
      this.record(node, op, outcome, startedMs)
    if (outcome === 'miss' && op === operation.get && !this.isStopping()) {
      this.send(connection, { op: operation.fill, key, valueBytes: this.source.valueBytes })
      return
    }
    this.issue(connection)
  }

  onErrorReply(connection: LoadConnection, code: string): void {
    this.underWay -= 1
    this.countError(connection.node, code, 1)
    this.issue(connection)
  }

  onChunkEnd(): void {
    this.flush()
    this.job.shared.control[1] = this.answered
    if (this.ended && this.underWay === 0) this.finish()
  }

  onLost(connection: LoadConnection, error: Error, pending: number): void {
    const { node } = connection
    const code = 'code' in error ? String(error.code) : 'CLOSED'
    this.underWay -= pending
    this.countError(node, `connection lost (${code})`, pending)
    this.pools[node] = this.pools[node]!.filter((each) => each !== connection)
    setTimeout(() => this.reopen(node, pending), reconnectMs)
  }

  private async reopen(node: number, slots: number): Promise<void> {
    if (this.isStopping()) {
      if (this.underWay === 0) this.finish()
      return
    }
    try {
      this.pools[node]!.push(await LoadConnection.open(this.job.accesses[node]!, node, this))
    } catch {
      this.countError(node, 'connect failed', 1)
      setTimeout(() => this.reopen(node, slots), reconnectMs)
      return
    }
    this.nowMs = systemClock.nowMs()
    for (let i = 0; i < slots; i++) this.issue(undefined)
    this.flush()
  }

  private issue(from: LoadConnection | undefined): void {
    if (this.isStopping()) return
    if (!this.source.next()) {
      this.ended = true
      return
    }
    if (this.phase === phase.measure) this.issued += 1
    const node = this.owners.ownerOf(this.source.key)
    const connection = from?.node === node ? from : this.choose(node)
    if (connection) {
      this.send(connection, this.source)
      return
    }
    // every socket of this node is down: the request fails, and its slot tries another key a little later
    this.countError(node, 'node down', 1)
    setTimeout(() => {
      this.nowMs = systemClock.nowMs()
      this.issue(undefined)
      this.flush()
    }, reconnectMs)
  }

  private choose(node: number): LoadConnection | undefined {
    const pool = this.pools[node]!
    if (pool.length === 0) return undefined
    const turn = this.turn[node]!
    this.turn[node] = turn + 1
    return pool[turn % pool.length]
  }

  private send(connection: LoadConnection, request: { op: number; key: number; valueBytes: number }): void {
    this.writer.write(connection, request, this.nowMs)
    this.underWay += 1
    this.dirty.add(connection)
  }

  private flush(): void {
    for (const connection of this.dirty) connection.flush()
    this.dirty.clear()
  }

  private record(node: number, op: number, outcome: 'hit' | 'miss' | 'done', startedMs: number): void {
    const { histograms, outcomes } = this.job.shared
    const base = (node * operationNames.length + op) * histogramLength
    histograms[base + slotOf((this.nowMs - startedMs) * unitsPerMs)]! += 1
    if (outcome !== 'done') outcomes[node * 3 + (outcome === 'hit' ? 0 : 1)]! += 1
    this.answered += 1
    this.lastReplyMs = this.nowMs
  }

  private countError(node: number, kind: string, count: number): void {
    if (count === 0 || this.phase < phase.measure) return
    this.errorKinds.set(kind, (this.errorKinds.get(kind) ?? 0) + count)
    this.job.shared.outcomes[node * 3 + 2]! += count
  }

  private isStopping(): boolean {
    if (this.phase === phase.stop || (this.job.requestLimit > 0 && this.issued >= this.job.requestLimit))
      this.ended = true
    return this.ended
  }

  private readPhase(): void {
    const next = Atomics.load(this.job.shared.control, 0)
    if (next === this.phase) return
    if (next === phase.measure) this.measureStartMs = this.nowMs
    this.phase = next
    if (next === phase.stop) this.ended = true
  }
}
