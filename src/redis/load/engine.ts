/**
 * One thread's load: each request to the node that owns its key, each reply recorded, and what a reply leads to. When
 * requests start is the pacer's business (closed-loop.ts, open-loop.ts).
 */
import { systemClock } from '../../clock.js'
import { createRandom } from '../../random.js'
import { buildRing } from '../../ring/build-ring.js'
import type { Ring } from '../../ring/ring.js'
import type { RequestSource } from '../../workload/request-source.js'
import { createSource } from '../../workload/requests.js'
import type { OperationSpec } from '../../workload/workload.js'
import { scriptsOf } from './commands.js'
import type { LoadConnection, LoadConnectionEvents } from './connection.js'
import { KeyGroups } from './key-groups.js'
import { createLoadKeys } from './keys.js'
import { schedule } from './memory.js'
import { OwnerCache } from './owner-cache.js'
import { countedIn, type PacedEngine } from './pacer.js'
import { makeTag, maxOps, maxPhases, secondHalf } from './pending.js'
import { Pools } from './pools.js'
import type { LoadJob } from './protocol.js'
import { Recorder } from './recorder.js'
import { Sender } from './sender.js'
import { createSourceOfTruth, type SourceOfTruth } from './source-of-truth.js'
import { Verifier } from './verifier.js'

/** A place whose node is down tries another key after this. */
const nodeDownMs = 100
/** A closed loop of so many sockets with one request each has several replies in most turns of the event loop. */
const manySockets = 16
/** Open loop: an answer this long after the end of its phase is late, and the rate was not achieved. */
const lateAfterMs = 100

export class LoadEngine implements LoadConnectionEvents, PacedEngine {
  readonly source: RequestSource
  readonly recorder: Recorder
  /** The clock's last reading, taken once a chunk. */
  nowMs = 0
  lastReplyMs = 0
  /** When each phase ended; infinite until then. */
  readonly phaseEndMs: Float64Array
  onFree: (connection: LoadConnection | undefined) => void = () => {}
  private readonly operations: readonly OperationSpec[]
  private readonly fillOp: number
  private readonly owners: readonly OwnerCache[]
  private readonly ring: Ring
  private readonly sender: Sender
  private readonly pools: Pools
  private readonly errors = new Map<string, number>()
  private readonly verifier: Verifier | undefined
  private readonly truth: SourceOfTruth | undefined
  private readonly groups: KeyGroups
  private readonly writesByTurn: boolean
  /** Places that wait because their node is down. */
  private waiting = 0

  constructor(private readonly job: LoadJob) {
    const { accesses, operations, memory, part, versions } = job
    if (operations.length > maxOps) throw new Error(`${operations.length} operations, at most ${maxOps}`)
    if (memory.shape.phases > maxPhases)
      throw new Error(`${memory.shape.phases} phases, at most ${maxPhases}`)
    this.operations = operations
    this.writesByTurn = !memory.shape.open && job.pipeline === 1 && job.connections >= manySockets
    this.fillOp = operations.findIndex(({ name }) => name === 'fill')
    const random = createRandom(job.seed + part.index)
    const keyCount = job.keys.kind === 'numbered' ? job.keys.count : job.keys.ends.length
    const spaces = this.keySpaces()
    this.ring = buildRing(job.topology)
    const owners = new Map([...spaces].map(([name, keys]) => [name, new OwnerCache(this.ring, keys)]))
    this.owners = operations.map(({ keyspace }) => owners.get(keyspace)!)
    this.source = createSource(job.source, { operations, keyCount, random, part })
    this.recorder = new Recorder(memory)
    this.verifier = versions && new Verifier(versions, memory)
    this.sender = new Sender({
      operations,
      keys: operations.map(({ keyspace }) => spaces.get(keyspace)!),
      random: createRandom(job.seed + part.index + 0x51ed),
      verifier: this.verifier,
    })
    const wantsPayload = versions !== undefined
    this.pools = new Pools({ accesses, events: this, wantsPayload, scripts: scriptsOf(operations) })
    this.phaseEndMs = new Float64Array(memory.shape.phases).fill(Number.POSITIVE_INFINITY)
    this.groups = new KeyGroups(accesses.length, this.source.keys.length)
    this.truth =
      job.sourceOfTruth &&
      createSourceOfTruth(job.sourceOfTruth, { random, threads: part.count, memory, clock: systemClock })
  }

  get errorKinds(): Record<string, number> {
    return Object.fromEntries(this.errors)
  }

  /** Requests that have started and not ended. */
  get underWay(): number {
    return this.sender.underWay + this.waiting + (this.truth?.underWay ?? 0)
  }

  /** Errors name the node that can't be reached. */
  connect(): Promise<void> {
    return this.pools.open(this.job.connections, this.ring.shares())
  }

  close(): void {
    this.pools.close()
  }

  /** Starts the request that the source holds; `dueMs` is its intended start. */
  start(phase: number, dueMs: number, from: LoadConnection | undefined): void {
    const { source } = this
    const { op } = source
    if (this.operations[op]!.kind === 'read-many') {
      this.startMany(phase, dueMs)
      return
    }
    const node = this.owners[op]!.ownerOf(source.key)
    const connection = from?.node === node ? from : this.pools.choose(node)
    if (connection) this.sender.send(connection, makeTag(op, phase), source, this.nowMs, dueMs)
    else this.nodeIsDown(node, phase, dueMs)
  }

  /** The request that the source holds was due and never started. */
  unsent(phase: number, waitedMs: number): void {
    const { source } = this
    const node = this.owners[source.op]!.ownerOf(source.key)
    this.recorder.waitedInVain(phase, node, source.op, waitedMs)
  }

  flush(): void {
    this.sender.flush()
  }

  /** All that is under way ends without an answer. */
  abandon(): void {
    for (const connection of this.pools.all()) this.giveUp(connection, 'no reply by the end of the run')
  }

  onChunk(): void {
    this.nowMs = systemClock.nowMs()
  }

  onPayload(connection: LoadConnection, slot: number, bytes: Uint8Array, start: number, end: number): void {
    const { pending } = connection
    const tag = pending.tags[slot]!
    if (this.operations[tag & maxOps]!.kind !== 'read') return
    const counted = countedIn(tag >>> 8)
    this.verifier?.look(bytes, start, end, pending.keys[slot]!, pending.floors[slot]!, counted)
  }

  onReply(connection: LoadConnection, slot: number, values: number, nils: number): void {
    const { pending, node } = connection
    const { nowMs, recorder } = this
    const tag = pending.tags[slot]!
    const op = tag & maxOps
    const phase = tag >>> 8
    const sentMs = pending.sentMs[slot]!
    const dueMs = pending.dueMs[slot]!
    this.sender.underWay -= 1
    this.lastReplyMs = nowMs
    const { kind } = this.operations[op]!
    if (kind === 'read-modify-write' && (tag & secondHalf) === 0) {
      // timed as one, from the first send
      this.sender.send(connection, tag | secondHalf, this.held(connection, slot), sentMs, dueMs)
      return
    }
    recorder.latency(phase, node, op, nowMs, sentMs, dueMs)
    if (nowMs > this.phaseEndMs[phase]! + lateAfterMs && op !== this.fillOp)
      recorder.schedule(phase, schedule.late, 1)
    if (kind === 'read' || kind === 'read-many') {
      recorder.outcome(phase, node, op, values, nils)
      if (kind === 'read' && nils > 0 && this.fillOp >= 0) {
        this.missed(connection, slot, phase)
        return
      }
    } else if (this.verifier && kind !== 'command') {
      this.verifier.written(pending.keys[slot]!, pending.floors[slot]!)
    }
    this.onFree(connection)
  }

  onErrorReply(connection: LoadConnection, slot: number, code: string): void {
    const { pending } = connection
    const tag = pending.tags[slot]!
    this.sender.underWay -= 1
    this.countError(tag, connection.node, code)
    if (this.verifier && this.isWrite(tag)) this.verifier.refused(pending.keys[slot]!)
    this.onFree(connection)
  }

  onChunkEnd(): void {
    if (this.writesByTurn) this.sender.flushAfterTurn()
    else this.flush()
    this.recorder.publish()
  }

  onLost(connection: LoadConnection, error: Error): void {
    const code = 'code' in error ? String(error.code) : 'CLOSED'
    this.nowMs = systemClock.nowMs()
    this.pools.replace(connection)
    const lost = this.giveUp(connection, `connection lost (${code})`)
    for (let count = lost; count > 0; count--) this.onFree(undefined)
    this.flush()
  }

  private keySpaces() {
    const names = new Set(this.operations.map(({ keyspace }) => keyspace))
    return new Map([...names].map((name) => [name, createLoadKeys(this.job.keys, name)]))
  }

  /** What the pending request would write, as it was drawn with it. */
  private held({ pending }: LoadConnection, slot: number) {
    return {
      key: pending.keys[slot]!,
      valueBytes: pending.valueBytes[slot]!,
      ttlSeconds: pending.ttlSeconds[slot]!,
    }
  }

  /** What an application does on a miss: loads the value, if there is a source of truth, and writes it. */
  private missed(connection: LoadConnection, slot: number, phase: number): void {
    const fill = this.held(connection, slot)
    const tag = makeTag(this.fillOp, phase)
    if (!this.truth) {
      this.sender.send(connection, tag, fill, this.nowMs, this.nowMs)
      return
    }
    this.truth.load(fill.key, phase > 0, () => {
      this.nowMs = systemClock.nowMs()
      const over = this.pools.choose(connection.node)
      if (over) this.sender.send(over, tag, fill, this.nowMs, this.nowMs)
      else {
        this.countError(tag, connection.node, 'node down')
        this.onFree(undefined)
      }
      this.flush()
    })
  }

  /** One MGET for each node that owns some of the keys; each is a request of its own from then on. */
  private startMany(phase: number, dueMs: number): void {
    const { source, groups } = this
    groups.divide(source, this.owners[source.op]!)
    for (let node = 0; node < groups.sizes.length; node++) {
      const count = groups.sizes[node]!
      if (count === 0) continue
      const connection = this.pools.choose(node)
      if (!connection) this.nodeIsDown(node, phase, dueMs)
      else {
        const tag = makeTag(source.op, phase)
        this.sender.sendMany(connection, tag, source, groups.keys[node]!, count, this.nowMs, dueMs)
      }
    }
  }

  private nodeIsDown(node: number, phase: number, dueMs: number): void {
    this.countError(makeTag(this.source.op, phase), node, 'node down')
    this.recorder.waitedInVain(phase, node, this.source.op, this.nowMs - dueMs)
    this.recorder.schedule(phase, schedule.unanswered, 1)
    this.waiting += 1
    setTimeout(() => {
      this.waiting -= 1
      this.nowMs = systemClock.nowMs()
      this.onFree(undefined)
      this.flush()
    }, nodeDownMs)
  }

  /** Counts a connection's requests as errors and forgets them; how many there were. */
  private giveUp(connection: LoadConnection, kind: string): number {
    const { node, pending } = connection
    const count = pending.length
    for (let index = 0; index < count; index++) {
      const slot = pending.slotAt(index)
      const tag = pending.tags[slot]!
      const phase = tag >>> 8
      this.recorder.waitedInVain(phase, node, tag & maxOps, this.nowMs - pending.dueMs[slot]!)
      this.countError(tag, node, kind)
      if ((tag & maxOps) !== this.fillOp) this.recorder.schedule(phase, schedule.unanswered, 1)
    }
    pending.clear()
    this.sender.underWay -= count
    return count
  }

  /** The warm-up's errors are not the run's. */
  private countError(tag: number, node: number, kind: string): void {
    const phase = tag >>> 8
    if (phase === 0) return
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1)
    this.recorder.error(phase, node, tag & maxOps)
  }

  private isWrite(tag: number): boolean {
    const { kind } = this.operations[tag & maxOps]!
    if (kind === 'read-modify-write') return (tag & secondHalf) !== 0
    return kind === 'write' || kind === 'insert' || kind === 'remove'
  }
}
