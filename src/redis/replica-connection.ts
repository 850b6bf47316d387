/** A connection to a replica that answers reads while it is proved to be at most a second behind (`replica-proof.ts`). */
import type { Replica } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { printable } from '../printable.js'
import { quickFound, quickLook } from './quick-look.js'
import { type Proof, parseReplication, provedMs, type ReplicaSample } from './replica-proof.js'
import { type Reply, ReplyError } from './resp.js'
import {
  type CommandOf,
  callOver,
  type OpenConnection,
  openConnection,
  type RespConnection,
} from './resp-connection.js'

/** Nothing is leased at a replica. */
const noLease = { token: '', leaseMs: 0 }

export class ReplicaConnection {
  private proof: Proof | undefined
  private distrusts = 0
  private inner!: RespConnection

  private constructor(private readonly clock: Clock) {}

  static async open(
    clock: Clock,
    ...[access, options]: Parameters<OpenConnection>
  ): Promise<ReplicaConnection> {
    const connection = new ReplicaConnection(clock)
    // of single keys we are told nothing: what a push says is that all data go
    const onPush = () => connection.distrust()
    connection.inner = await openConnection(access, { ...options, onPush })
    try {
      await connection.call('HELLO', 3)
      await connection.call('CLIENT', 'TRACKING', 'ON', 'OPTIN')
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }

  get isLost(): boolean {
    return this.inner.isLost
  }

  /** The present proof, if it has not run out. */
  get proved(): Proof | undefined {
    const { proof } = this
    return proof && !this.isLost && this.clock.nowMs() < proof.atMs + provedMs ? proof : undefined
  }

  /** Not read until it is proved anew. */
  giveUp(): void {
    this.proof = undefined
  }

  /** Nothing holds that was asked before. */
  private distrust(): void {
    this.distrusts += 1
    this.proof = undefined
  }

  /** Asks it how far it is; its proof, or why it has none. Errors: `unreachable`. */
  async sample(judge: (sample: ReplicaSample) => Proof | string): Promise<Proof | string> {
    const { distrusts } = this
    const [info, time] = await this.inner.send([['INFO', 'replication'], ['TIME']])
    const judged = this.judge(info, time, judge)
    // a push that came after this answer may have been read before we go on here
    const outcome = distrusts === this.distrusts ? judged : 'its data have been replaced'
    this.proof = typeof outcome === 'string' ? undefined : outcome
    return outcome
  }

  /** Of each key a value that can be believed; undefined for whatever else there is. */
  async read(keys: readonly Buffer[], sinceMs: number): ReturnType<Replica['read']> {
    const replies = await this.inner.send(keys.flatMap((key) => quickLook(key, noLease)))
    const proof = this.proved
    if (!proof || proof.atMs < sinceMs) return keys.map(() => undefined)
    return keys.map((_, index) => {
      const pair = replies.slice(2 * index, 2 * index + 2)
      const found = quickFound(pair, noLease, { sinceUs: proof.sinceUs, vouch: undefined })
      // what waits for the source is its node's to tell
      if (found?.kind !== 'value' || found.value.isPending) return undefined
      const leftMs = found.value.leftMs - proof.clockBehindMs
      return leftMs > 0 ? { value: { ...found.value, leftMs }, untilMs: proof.atMs + provedMs } : undefined
    })
  }

  close(): void {
    this.inner.close()
  }

  private judge(
    info: Reply | undefined,
    time: Reply | undefined,
    judge: (sample: ReplicaSample) => Proof | string,
  ) {
    for (const reply of [info, time]) if (reply instanceof ReplyError) return printable(reply.message)
    const replication = parseReplication(String(info))
    return judge({ atMs: this.clock.nowMs(), replication, wallMs: wallMsOf(time) })
  }

  private call(...command: CommandOf) {
    return callOver(this.inner, command)
  }
}

/** A reply to TIME as ms since the Unix epoch. */
export function wallMsOf(time: Reply | undefined): number {
  const [seconds, micros] = Array.isArray(time) ? time.map((part) => Number(String(part))) : []
  return (seconds ?? Number.NaN) * 1_000 + (micros ?? 0) / 1_000
}
