/**
 * Reads at replicas, where there are any, and everything else at the nodes: a second tier around another.
 *
 * A value that a replica tells was its node's less than a second ago. L1 keeps it for the rest of that second and no longer,
 * because nobody tells of its changes. Whatever else stands there, or nothing, is looked at at the node. What this process has written, or has been
 * told that it changed, is read only at replicas that are known to have all of that.
 */
import type { Clock } from '../clock.js'
import type { Random } from '../random.js'
import type { JournalPort } from './journal-port.js'
import { withinDeadline } from './l2-deadline.js'
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

type Of<K extends keyof L2Port> = Parameters<L2Port[K]>

export class ReplicaReads implements L2Port {
  private readonly written: WrittenKeys
  private readonly tell = (error: Error) => this.options.on.error?.(error)

  constructor(
    private readonly l2: L2Port,
    private readonly options: ReplicaReadsOptions,
  ) {
    this.written = new WrittenKeys(options.clock)
  }

  getOrLease(...[keys, lease]: Of<'getOrLease'>): Promise<L2Found[]> {
    const { replicas, random, skipsTold } = this.options
    if (skipsTold && lease.isTold) return this.l2.getOrLease(keys, lease)
    const sinceMs = this.written.sinceMs(keys)
    const replica = replicas.draw(keys, sinceMs, (bound) => random.below(bound))
    return replica ? this.getFrom(replica, keys, lease) : this.l2.getOrLease(keys, lease)
  }

  private async getFrom(replica: Replica, ...[keys, lease]: Of<'getOrLease'>): Promise<L2Found[]> {
    const deadline = { node: replica.name, timeoutMs: this.options.timeoutMs / 2 }
    // the node is asked then, and the ring's own watch tells of a replica that stays away
    const reads = await withinDeadline(replica, deadline, replica.read(keys)).catch(() => [])
    const missing = keys.filter((_, index) => !reads[index])
    const rest = missing.length > 0 ? await this.l2.getOrLease(missing, lease) : []
    let at = 0
    return keys.map((key, index) => {
      const read = reads[index]
      if (!read) return rest[at++]!
      const { value, untilMs } = read
      const word = { untilMs, refuse: () => this.written.note([key]) }
      return { kind: 'value', value, vouch: undefined, replica: word }
    })
  }

  fill(...[key, fill]: Of<'fill'>) {
    return this.changing([key], this.l2.fill(key, fill))
  }

  refill(...[key, fill]: Of<'refill'>) {
    return this.changing([key], this.l2.refill(key, fill))
  }

  put(...[key, fill]: Of<'put'>) {
    return this.changing([key], this.l2.put(key, fill))
  }

  update(...[key, fill]: Of<'update'>) {
    return this.changing([key], this.l2.update(key, fill))
  }

  remove(...[keys]: Of<'remove'>) {
    return this.changing(keys, this.l2.remove(keys))
  }

  mark(...[key, lease]: Of<'mark'>) {
    return this.changing([key], this.l2.mark(key, lease))
  }

  unmark(...[key, token]: Of<'unmark'>) {
    return this.changing([key], this.l2.unmark(key, token))
  }

  /** Write-behind puts its values past the second tier. */
  over(journal: JournalPort): JournalPort {
    const view: JournalPort = Object.create(journal)
    view.put = (key, put) => this.changing([key], journal.put(key, put))
    return view
  }

  listen(...[prefix, onInvalidate]: Of<'listen'>): () => void {
    const ends = [
      this.l2.listen(prefix, (key) => {
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

  ownerOf(...[key]: Of<'ownerOf'>) {
    return this.l2.ownerOf(key)
  }

  groupByOwner(...[keys]: Of<'groupByOwner'>) {
    return this.l2.groupByOwner(keys)
  }

  isUp(...[node]: Of<'isUp'>) {
    return this.l2.isUp(node)
  }

  giveUp(...[node]: Of<'giveUp'>) {
    this.l2.giveUp(node)
  }

  keepLease(...[key, lease]: Of<'keepLease'>) {
    return this.l2.keepLease(key, lease)
  }

  releaseLease(...[key, token]: Of<'releaseLease'>) {
    return this.l2.releaseLease(key, token)
  }

  startRefresh(...[key, refresh]: Of<'startRefresh'>) {
    return this.l2.startRefresh(key, refresh)
  }

  touch(...[key, life]: Of<'touch'>) {
    return this.l2.touch(key, life)
  }

  tagVersions(...[tags]: Of<'tagVersions'>) {
    return this.l2.tagVersions(tags)
  }

  invalidateTag(...[tag]: Of<'invalidateTag'>) {
    return this.l2.invalidateTag(tag)
  }

  /** Counts as a change when it is over, however it went: before that nobody was promised to see it. */
  private changing<T>(keys: readonly Buffer[], request: Promise<T>): Promise<T> {
    return request.finally(() => this.written.note(keys))
  }
}
