/**
 * A connection whose node tells of every key that was read over it and has changed by another hand (CLIENT TRACKING,
 * RESP3). Answers and tidings come in order on one socket: an answer proves that all tidings from before it have come.
 */
import type { Vouch } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { bornKey, bornScript } from './cache-scripts.js'
import type { Command, Reply } from './resp.js'
import {
  type CommandOf,
  callOver,
  type OpenConnection,
  openConnection,
  type RespConnection,
} from './resp-connection.js'

export interface TrackingListener {
  /** null: all keys of the node. */
  onInvalidate(keys: readonly Buffer[] | null): void
  /** A command that was sent at that monotonic time has been answered. */
  onHeard(node: string, sentMs: number): void
  onLost(node: string): void
}

/** How long an answer proves that we have heard of everything, from the moment its command was sent. */
export const vouchMs = 1_000

/** Since when a node's data can be believed. */
export interface Birth {
  readonly runId: string
  readonly sinceUs: string
}

/** Opens tracked connections; `births`, by node, are true before a connection is used; `listener` hears of all of them. */
export function trackedConnections(
  clock: Clock,
  births: Map<string, Birth>,
  listener: TrackingListener,
): OpenConnection {
  return async (access, options) => {
    const connection = await TrackedConnection.connect(clock, listener, access, options)
    try {
      await connection.start(births)
    } catch (error) {
      connection.close()
      throw error
    }
    return connection
  }
}

export class TrackedConnection implements RespConnection {
  private current = { untilMs: 0 }
  private inner!: RespConnection
  /** When the last answered command was sent, monotonic ms. */
  heardMs = Number.NEGATIVE_INFINITY

  private constructor(
    private readonly clock: Clock,
    private readonly listener: TrackingListener,
    readonly access: RespConnection['access'],
  ) {}

  static async connect(
    clock: Clock,
    listener: TrackingListener,
    ...[access, options]: Parameters<OpenConnection>
  ): Promise<TrackedConnection> {
    const connection = new TrackedConnection(clock, listener, access)
    connection.inner = await openConnection(access, {
      ...options,
      onPush: (items) => connection.take(items),
      onLost: () => connection.lose(),
    })
    return connection
  }

  get vouch(): Vouch {
    return this.current
  }

  get isLost(): boolean {
    return this.inner.isLost
  }

  async start(births: Map<string, Birth>): Promise<void> {
    await this.call('HELLO', 3)
    await this.call('CLIENT', 'TRACKING', 'ON', 'NOLOOP')
    await this.declareBirth(births)
  }

  /** Makes the node remember since when its data can be believed. */
  private async declareBirth(births: Map<string, Birth>): Promise<void> {
    const { id } = this.access.node
    const info = String(await this.call('INFO', 'server'))
    const runId = /^run_id:(\S+)/m.exec(info)?.[1] ?? 'unknown'
    const known = births.get(id)
    const since = await this.call(
      'EVAL',
      bornScript,
      1,
      bornKey,
      runId,
      known?.runId ?? '',
      known?.sinceUs ?? '',
    )
    births.set(id, { runId, sinceUs: String(since) })
  }

  async send(commands: readonly Command[]): Promise<Reply[]> {
    const sentMs = this.clock.nowMs()
    const replies = await this.inner.send(commands)
    this.hear(sentMs)
    return replies
  }

  call(...command: CommandOf) {
    return callOver(this, command)
  }

  close(): void {
    this.inner.close()
  }

  private hear(sentMs: number): void {
    if (this.isLost || sentMs <= this.heardMs) return
    this.heardMs = sentMs
    this.current.untilMs = sentMs + vouchMs
    this.listener.onHeard(this.access.node.id, sentMs)
  }

  private take([kind, keys]: readonly Reply[]): void {
    if (String(kind) !== 'invalidate') return
    if (!Array.isArray(keys)) {
      const { untilMs } = this.current
      this.current.untilMs = 0
      this.current = { untilMs }
    }
    this.listener.onInvalidate(Array.isArray(keys) ? keys.filter((key) => Buffer.isBuffer(key)) : null)
  }

  private lose(): void {
    this.current.untilMs = 0
    this.listener.onLost(this.access.node.id)
  }
}
