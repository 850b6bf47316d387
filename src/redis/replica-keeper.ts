/**
 * Keeps a connection to each replica of a ring's nodes, and proves five times a second how far it is (`replica-proof.ts`).
 * A replica that stands still, is cut off, is being copied anew or has become a primary is left out, at once where it says
 * so or its connection tells, otherwise when its last proof is a second old.
 */
import { isDeepStrictEqual } from 'node:util'
import { lookName, type Replica, type ReplicasPort } from '../cache/ports.js'
import { describeError, unreachable } from '../errors.js'
import { printable } from '../printable.js'
import { formatAddress, type NodeSpec, type ReplicaSpec } from '../ring/topology.js'
import { ReplicaConnection, wallMsOf } from './replica-connection.js'
import { type NodeSample, parseReplication, prove, provedMs } from './replica-proof.js'
import type { RespConnection } from './resp-connection.js'
import type { RingClient, RingClientOptions } from './ring-client.js'
import type { Birth } from './tracked-connection.js'

const sampleMs = 200
const defaultTimeoutMs = 1_000

/** A replica as it is kept. */
interface Kept {
  readonly spec: ReplicaSpec
  readonly name: string
  connection: ReplicaConnection | undefined
  isAsking: boolean
  /** When it was proved last, or first looked at, monotonic ms. */
  provedMs: number
  told: string | undefined
}

/** A node with its replicas. */
interface KeptNode {
  readonly node: NodeSpec
  readonly replicas: readonly Kept[]
  samples: readonly NodeSample[]
  isAsking: boolean
}

export class ReplicaKeeper implements ReplicasPort {
  private nodes = new Map<string, KeptNode>()
  private readonly listeners = new Set<(error: Error) => void>()
  private timer: NodeJS.Timeout | undefined

  constructor(
    private readonly options: Pick<RingClientOptions, 'clock' | 'readAccess' | 'commandTimeoutMs'>,
    private readonly client: Pick<RingClient, 'topology' | 'connectionTo' | 'settledOwnerOf'>,
    private readonly births: ReadonlyMap<string, Birth>,
  ) {}

  start(): void {
    if (this.timer) return
    const look = () => {
      this.follow()
      for (const kept of this.nodes.values()) void this.ask(kept)
    }
    this.timer = setInterval(look, sampleMs)
    this.timer.unref()
    look()
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
    for (const { replicas } of this.nodes.values()) closeAll(replicas)
    this.nodes.clear()
  }

  get isAny(): boolean {
    return this.client.topology.nodes.some(({ replicas }) => replicas !== undefined)
  }

  draw(keys: readonly Buffer[], sinceMs: number, below: (bound: number) => number): Replica | undefined {
    const owner = this.client.settledOwnerOf(keys)
    const proved = (this.nodes.get(owner ?? '')?.replicas ?? []).filter(({ connection }) => {
      const proof = connection?.proved
      return proof && proof.atMs >= sinceMs
    })
    const drawn = proved[proved.length > 1 ? below(proved.length) : 0]
    const connection = drawn?.connection
    if (!connection) return undefined
    return {
      name: drawn.name,
      read: (wanted) => connection.read(wanted, sinceMs),
      giveUp: () => connection.giveUp(),
    }
  }

  listen(onUnused: (error: Error) => void): () => void {
    this.listeners.add(onUnused)
    return () => this.listeners.delete(onUnused)
  }

  /** The nodes as the ring names them now. */
  private follow(): void {
    const before = this.nodes
    this.nodes = new Map()
    for (const node of this.client.topology.nodes) {
      if (!node.replicas) continue
      const known = before.get(node.id)
      const isSame = isDeepStrictEqual(known?.node, node)
      this.nodes.set(node.id, isSame && known ? known : this.keep(node, node.replicas))
      if (isSame) before.delete(node.id)
    }
    for (const { replicas } of before.values()) closeAll(replicas)
  }

  private keep(node: NodeSpec, replicas: readonly ReplicaSpec[]): KeptNode {
    const provedMs = this.options.clock.nowMs()
    const kept = replicas.map((spec): Kept => {
      const name = `${formatAddress(spec.address)}, a replica of node ${node.id}`
      return { spec, name, connection: undefined, isAsking: false, provedMs, told: undefined }
    })
    return { node, replicas: kept, samples: [], isAsking: false }
  }

  /** The node, then its replicas: what it had before it was asked, they must have. */
  private async ask(kept: KeptNode): Promise<void> {
    if (kept.isAsking) return
    kept.isAsking = true
    const { clock } = this.options
    try {
      const sample = await this.sample(kept.node.id)
      const isRecent = (each: NodeSample) => clock.nowMs() < each.atMs + provedMs
      kept.samples = [...kept.samples.filter(isRecent), sample]
    } catch {
      // whoever reads and writes there is told; what its replicas were proved by runs out
    } finally {
      kept.isAsking = false
    }
    for (const replica of kept.replicas) void this.judge(kept, replica)
  }

  private async sample(id: string): Promise<NodeSample> {
    const connection: RespConnection = await this.client.connectionTo(id)
    const atMs = this.options.clock.nowMs()
    const [info, time] = await Promise.all([connection.call('INFO', 'replication'), connection.call('TIME')])
    const { role, replId, offset } = parseReplication(String(info))
    const birth = this.births.get(id)
    if (role !== 'master' || !birth) throw unreachable(`node ${printable(id)} is no primary`)
    return { atMs, replId, offset, wallMs: wallMsOf(time), sinceUs: birth.sinceUs }
  }

  private async judge(kept: KeptNode, replica: Kept): Promise<void> {
    if (replica.isAsking) return
    replica.isAsking = true
    try {
      const connection = await this.connect(kept, replica)
      const outcome = await connection?.sample((sample) => prove(kept.samples, sample))
      if (typeof outcome === 'string') this.tell(replica, outcome)
      else if (outcome) Object.assign(replica, { provedMs: outcome.atMs, told: undefined })
    } catch (error) {
      this.tell(replica, describeError(error))
    } finally {
      replica.isAsking = false
    }
  }

  /** undefined: the ring has moved on. */
  private async connect({ node }: KeptNode, replica: Kept): Promise<ReplicaConnection | undefined> {
    if (replica.connection && !replica.connection.isLost) return replica.connection
    const { clock, readAccess, commandTimeoutMs: timeoutMs = defaultTimeoutMs } = this.options
    const { replicas: _, ...own } = node
    const [access] = await readAccess([{ ...own, ...replica.spec }])
    const connection = await ReplicaConnection.open(clock, access!, {
      clientName: lookName,
      connectTimeoutMs: timeoutMs,
      idleTimeoutMs: timeoutMs,
    })
    if (this.timer && this.nodes.get(node.id)?.replicas.includes(replica)) {
      replica.connection = connection
      return connection
    }
    connection.close()
    return undefined
  }

  /** What lasts no longer than a proof needs no word. */
  private tell(replica: Kept, why: string): void {
    if (why === replica.told || this.options.clock.nowMs() < replica.provedMs + provedMs) return
    replica.told = why
    const error = unreachable(`${replica.name}, is not read: ${why}`)
    for (const listener of this.listeners) listener(error)
  }
}

function closeAll(replicas: readonly Kept[]): void {
  for (const { connection } of replicas) connection?.close()
}
