/**
 * Keeps one connection to each node of a ring open and its word fresh: whatever was quiet is asked for a sign of life. A
 * node that was given up is up again when it has answered something that was sent later.
 */
import type { Clock } from '../clock.js'
import { isUnreachable } from '../errors.js'
import { TrackedConnection } from './tracked-connection.js'

/** The nodes of a ring client, as the keeper needs them. */
export interface KeptNodes {
  readonly nodeIds: readonly string[]
  connectionTo(node: string): Promise<unknown>
}

const signOfLifeMs = 250

export class NodeKeeper {
  /** When a node was given up, monotonic ms. */
  private readonly downSinceMs = new Map<string, number>()
  private readonly asking = new Set<string>()
  private timer: NodeJS.Timeout | undefined
  private nodes: KeptNodes | undefined

  constructor(private readonly clock: Clock) {}

  start(nodes: KeptNodes): void {
    this.nodes = nodes
    const look = () => {
      for (const node of nodes.nodeIds) void this.ask(node)
    }
    this.timer = setInterval(look, signOfLifeMs)
    this.timer.unref()
    look()
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  isUp(node: string): boolean {
    return !this.downSinceMs.has(node)
  }

  giveUp(node: string): void {
    this.downSinceMs.set(node, this.clock.nowMs())
    if (this.timer) void this.ask(node)
  }

  hear(node: string, sentMs: number): void {
    const since = this.downSinceMs.get(node)
    if (since !== undefined && sentMs > since) this.downSinceMs.delete(node)
  }

  private async ask(node: string): Promise<void> {
    if (this.asking.has(node)) return
    this.asking.add(node)
    try {
      const connection = await this.nodes?.connectionTo(node)
      if (!(connection instanceof TrackedConnection)) return
      if (this.isUp(node) && this.clock.nowMs() - connection.heardMs < signOfLifeMs) return
      await connection.call('PING')
    } catch (error) {
      // it stays down, and is asked again at the next look; that the ring has moved on says nothing about it
      if (isUnreachable(error) && this.isUp(node)) this.downSinceMs.set(node, this.clock.nowMs())
    } finally {
      this.asking.delete(node)
    }
  }
}
