/**
 * Reads at replicas, where there are any, and everything else at the nodes: a second tier around another.
 *
 * A value that a replica tells was its node's less than a second ago. L1 keeps it for the rest of that second and no longer,
 * because nobody tells of its changes. Whatever else stands there, or nothing, is looked at at the node. What this process has written, or has been
 * told that it changed, is read only at replicas that are known to have all of that.
 */
import type { Clock } from '../clock.js'
import type { Random } from '../random.js'
import { withinDeadline } from './l2-deadline.js'
import { L2Decorator, type Of } from './l2-decorator.js'
import type { CacheEvents } from './options.js'
import type { L2Found, L2Port, Replica, ReplicasPort } from './ports.js'
import { WrittenKeys } from './written-keys.js'

export interface ReplicaReadsOptions {
  readonly replicas: ReplicasPort
  readonly clock: Clock
  readonly random: Random
  /** Reads whose answer is kept until its node tells of a change go there. */
  readonly skipsTold: boolean
  /** What a read at a node has; one at a replica has half of it. */
  readonly timeoutMs: number
  /** Hears of replicas that are not used. */
  readonly on: Partial<CacheEvents>
}

export class ReplicaReads extends L2Decorator {
  private readonly written: WrittenKeys
  private readonly tell = (error: Error) => this.options.on.error?.(error)

  constructor(
    l2: L2Port,
    private readonly options: ReplicaReadsOptions,
  ) {
    super(l2)
    this.written = new WrittenKeys(options.clock)
  }

  getOrLease(...[keys, lease]: Of<'getOrLease'>): Promise<L2Found[]> {
    const { replicas, random, skipsTold } = this.options
    if (skipsTold && lease.isTold) return this.inner.getOrLease(keys, lease)
    const sinceMs = this.written.sinceMs(keys)
    const replica = replicas.draw(keys, sinceMs, (bound) => random.below(bound))
    return replica ? this.getFrom(replica, keys, lease) : this.inner.getOrLease(keys, lease)
  }

  private async getFrom(replica: Replica, ...[keys, lease]: Of<'getOrLease'>): Promise<L2Found[]> {
    const deadline = { node: replica.name, timeoutMs: this.options.timeoutMs / 2 }
    // the node is asked then, and the ring's own watch tells of a replica that stays away
    const reads = await withinDeadline(replica, deadline, replica.read(keys)).catch(() => [])
    const missing = keys.filter((_, index) => !reads[index])
    const rest = missing.length > 0 ? await this.inner.getOrLease(missing, lease) : []
    let at = 0
    return keys.map((key, index) => {
      const read = reads[index]
      if (!read) return rest[at++]!
      const { value, untilMs } = read
      const word = { untilMs, refuse: () => this.written.note([key]) }
      return { kind: 'value', value, vouch: undefined, replica: word }
    })
  }

  override listen(...[prefix, onInvalidate]: Of<'listen'>): () => void {
    const ends = [
      this.inner.listen(prefix, (key) => {
        if (key) this.written.note([key])
        else this.written.noteAll()
        onInvalidate(key)
      }),
      this.options.replicas.listen(this.tell),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  /** Counts as a change when it is over, however it went: before that nobody was promised to see it. */
  protected writing<T>(keys: readonly Buffer[], write: () => Promise<T>): Promise<T> {
    return write().finally(() => this.written.note(keys))
  }
}
