/**
 * A connection whose node tells of the keys that were read over it and have changed by another hand (CLIENT TRACKING,
 * RESP3): of all of them, or with OPTIN of those that a request asks to be told of. Answers and tidings come in order on
 * one socket: an answer proves that all tidings from before it have come.
 */
import type { Vouch } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { bornKey, bornScript } from './cache-scripts.js'
import { type Command, type Reply, ReplyError } from './resp.js'
import {
  type CommandOf,
  callOver,
  type OpenConnection,
  openConnection,
  type RespConnection,
  replyFailure,
} from './resp-connection.js'

export interface TrackingListener {
  /** null: all keys of the node. */
  onInvalidate(keys: readonly Buffer[] | null): void
  /** A command that was sent at that monotonic time has been answered. */
  onHeard(node: string, sentMs: number): void
  onLost(node: string): void
}

/** Of which reads a node is to tell: all, or (OPTIN) those that ask for it. A node remembers each of them. */
export type Tracking = 'all' | 'hot'

/** Holds for the next command only. */
const caching = ['CLIENT', 'CACHING', 'YES'] as const

/** How long an answer proves that we have heard of everything, from the moment its command was sent. */
export const vouchMs = 1_000

/** Since when a node's data can be believed. */
export interface Birth {
  readonly runId: string
  readonly sinceUs: string
}

/** Opens tracked connections; `births`, by node, are true before a connection is used; `listener` hears of all of them. */
export function trackedConnections(
  { clock, tracking }: { readonly clock: Clock; readonly tracking: Tracking },
  births: Map<string, Birth>,
  listener: TrackingListener,
): OpenConnection {
  return async (access, options) => {
    const connection = await TrackedConnection.connect({ clock, tracking }, listener, access, options)
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
    private readonly how: { readonly clock: Clock; readonly tracking: Tracking },
    private readonly listener: TrackingListener,
    readonly access: RespConnection['access'],
  ) {}

  static async connect(
    how: { readonly clock: Clock; readonly tracking: Tracking },
    listener: TrackingListener,
    ...[access, options]: Parameters<OpenConnection>
  ): Promise<TrackedConnection> {
    const connection = new TrackedConnection(how, listener, access)
    connection.inner = await openConnection(access, {
      ...options,
      onPush: (items) => connection.take(items),
      onLost: () => connection.lose(),
    })
    return connection
  }

  /** For what was asked with that `isTold`; undefined: the node tells nothing of it. */
  vouchFor(isTold = false): Vouch | undefined {
    return isTold || this.how.tracking === 'all' ? this.current : undefined
  }

  get isLost(): boolean {
    return this.inner.isLost
  }

  async start(births: Map<string, Birth>): Promise<void> {
    await this.call('HELLO', 3)
    if (this.how.tracking === 'all') await this.call('CLIENT', 'TRACKING', 'ON', 'NOLOOP')
    else {
      await this.call('CLIENT', 'TRACKING', 'ON', 'OPTIN', 'NOLOOP')
      // whether the user may
      await this.call(...caching)
    }
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

  async send(commands: readonly Command[], isTold = false): Promise<Reply[]> {
    const sentMs = this.how.clock.nowMs()
    const isAsking = isTold && this.how.tracking === 'hot'
    const replies = await this.inner.send(
      isAsking ? commands.flatMap((command) => [caching, command]) : commands,
    )
    this.hear(sentMs)
    return isAsking ? replies.filter((reply, index) => index % 2 === 1 || this.isGranted(reply)) : replies
  }

  /** false, or its error is thrown: then the node tells nothing. */
  private isGranted(reply: Reply): false {
    if (reply instanceof ReplyError) throw replyFailure(this.access, 'CLIENT CACHING', reply)
    return false
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
