/** The cache's second tier over a ring client: each step is one script on the key's owner, wherever that is now. */
import type {
  Filled,
  HotKeysPort,
  L2Fill,
  L2Found,
  L2Lease,
  L2Port,
  L2Refill,
  TagVersion,
  Telling,
} from '../cache/ports.js'
import { type CachectlError, stopped, unreachable } from '../errors.js'
import { printable } from '../printable.js'
import { arrayOf, foundOf, tagVersionsOf, vouchOf } from './cache-replies.js'
import * as steps from './cache-steps.js'
import { type Answer, SeveralOwnersError } from './command-router.js'
import { NodeKeeper } from './node-keeper.js'
import { quickFound, quickLook } from './quick-look.js'
import { ReplicaKeeper } from './replica-keeper.js'
import { type CommandPart, ReplyError } from './resp.js'
import { replyFailure } from './resp-connection.js'
import { RingClient, type RingClientOptions } from './ring-client.js'
import type { Script } from './script.js'
import { type Birth, type Tracking, trackedConnections } from './tracked-connection.js'

export interface CacheRingOptions extends Omit<RingClientOptions, 'open' | 'openData'> {
  /** `hot`: nodes remember and tell only of what a cache may keep, or waits for. */
  readonly tracking: Tracking
  /** Ended with the ring. */
  readonly hot: HotKeysPort & { stop(): Promise<void> }
}

/** The ring moves on, or a server is started anew, once while a request is on its way; not again and again. */
const maxAttempts = 5

export class CacheRing implements L2Port {
  private readonly listeners = new Map<Buffer, (key?: Buffer) => void>()
  private readonly keeper: NodeKeeper
  private readonly births = new Map<string, Birth>()
  private client!: RingClient
  /** Looked after from their `start` on. */
  replicas!: ReplicaKeeper

  private constructor(private readonly options: CacheRingOptions) {
    this.keeper = new NodeKeeper(options.clock)
  }

  /** Errors: as of `RingClient.open`; a server without CLIENT TRACKING (before 6.0) is `stopped`, at the first use. */
  static async open(options: CacheRingOptions): Promise<CacheRing> {
    const ring = new CacheRing(options)
    const openData = trackedConnections(options, ring.births, {
      onInvalidate: (keys) => ring.tell(keys),
      onHeard: (node, sentMs) => ring.keeper.hear(node, sentMs),
      onLost: (node) => ring.keeper.giveUp(node),
    })
    ring.client = await RingClient.open({ ...options, openData })
    ring.keeper.start(ring.client)
    ring.replicas = new ReplicaKeeper(options, ring.client, ring.births)
    return ring
  }

  get ring(): RingClient {
    return this.client
  }

  /** The hot set that is published for this ring. */
  get hot(): HotKeysPort {
    return this.options.hot
  }

  ownerOf(key: Buffer): string {
    return this.client.ownerOf(key)
  }

  groupByOwner(keys: readonly Buffer[]): number[][] {
    return this.client.groupByOwner(keys)
  }

  isUp(node: string): boolean {
    return this.keeper.isUp(node)
  }

  giveUp(node: string): void {
    this.keeper.giveUp(node)
  }

  async getOrLease(keys: readonly Buffer[], lease: L2Lease): Promise<L2Found[]> {
    const quick = keys.length === 1 ? await this.lookQuickly(keys[0]!, lease) : undefined
    return quick ? [quick] : this.find(steps.getOrLease, keys, lease)
  }

  private async lookQuickly(key: Buffer, lease: L2Lease): Promise<L2Found | undefined> {
    const sent = await this.client.sendNow(key, quickLook(key, lease), lease.isTold)
    const birth = sent && this.births.get(sent.connection.access.node.id)
    const vouch = sent && vouchOf(sent, lease.isTold)
    return birth && quickFound(sent.replies, lease, { sinceUs: birth.sinceUs, vouch })
  }

  /** What `getOrLease` says, by that script or, with `more` arguments, one that looks further. */
  async find(
    script: Script,
    keys: readonly Buffer[],
    lease: L2Lease,
    more: readonly CommandPart[] = [],
  ): Promise<L2Found[]> {
    try {
      const answer = await this.findSince(script, keys, lease, more)
      const replies = arrayOf(answer)
      const vouch = vouchOf(answer, lease.isTold)
      return keys.map((_, index) => foundOf(replies[2 * index]!, replies[2 * index + 1]!, vouch))
    } catch (error) {
      // the ring has changed since they were grouped; nothing was sent
      if (!(error instanceof SeveralOwnersError) || keys.length === 1) throw error
      return (await Promise.all(keys.map((key) => this.find(script, [key], lease, more)))).flat()
    }
  }

  /** Asked again where it ran on another server than the one whose birth it was told: what it has leased is ours. */
  private async findSince(
    script: Script,
    keys: readonly Buffer[],
    { token, leaseMs, isTold }: L2Lease,
    more: readonly CommandPart[],
  ): Promise<Answer> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const node = this.ownerOf(keys[0]!)
      if (!this.births.has(node)) await this.client.connectionTo(node)
      const sinceUs = this.births.get(node)?.sinceUs ?? ''
      const answer = await this.run(script, keys, [token, leaseMs, sinceUs, ...more], isTold)
      const isAsTold =
        answer.connection?.access.node.id === node && this.births.get(node)?.sinceUs === sinceUs
      if (isAsTold) return answer
    }
    throw unreachable(`${printable(keys[0]!, 80)}: its node changed ${maxAttempts} times while it was asked`)
  }

  async keepLease(key: Buffer, { token, leaseMs, isTold }: L2Lease): Promise<boolean> {
    return (await this.run(steps.keepLease, [key], [token, leaseMs], isTold)).reply === 1
  }

  async releaseLease(key: Buffer, token: string): Promise<void> {
    await this.run(steps.releaseLease, [key], [token])
  }

  fill(key: Buffer, { token, body, ttlMs, isTold }: L2Fill): Promise<Filled> {
    return this.filled(steps.fill, key, [token, body, ttlMs], isTold)
  }

  async startRefresh(
    key: Buffer,
    refresh: { readonly stamp: string; readonly token: string; readonly leaseMs: number },
  ): Promise<boolean> {
    const { stamp, token, leaseMs } = refresh
    return (await this.run(steps.startRefresh, [key], [stamp, token, leaseMs])).reply === 1
  }

  refill(key: Buffer, { stamp, token, body, ttlMs, isTold }: L2Refill): Promise<Filled> {
    return this.filled(steps.refill, key, [stamp, token, body, ttlMs], isTold)
  }

  put(key: Buffer, { body, ttlMs }: { readonly body: Buffer; readonly ttlMs: number }): Promise<Filled> {
    return this.filled(steps.put, key, [body, ttlMs])
  }

  update(
    key: Buffer,
    { version, body, ttlMs }: { readonly version: string; readonly body: Buffer; readonly ttlMs: number },
  ): Promise<Filled> {
    return this.filled(steps.update, key, [version, body, ttlMs])
  }

  async touch(
    key: Buffer,
    { stamp = '', ttlMs, isTold }: { readonly stamp?: string; readonly ttlMs: number } & Telling,
  ): Promise<void> {
    await this.run(steps.touch, [key], [stamp, ttlMs], isTold)
  }

  async remove(keys: readonly Buffer[]): Promise<void> {
    try {
      await this.order(['UNLINK', ...keys], keys)
    } catch (error) {
      if (!(error instanceof SeveralOwnersError) || keys.length === 1) throw error
      await Promise.all(keys.map((key) => this.remove([key])))
    }
  }

  async mark(key: Buffer, { token, leaseMs }: L2Lease): Promise<void> {
    await this.order(['SET', key, `W${token}`, 'PX', leaseMs], [key])
  }

  async unmark(key: Buffer, token: string): Promise<void> {
    await this.run(steps.unmark, [key], [token])
  }

  async tagVersions(tags: readonly Buffer[]): Promise<TagVersion[]> {
    const found: TagVersion[] = new Array(tags.length)
    await Promise.all(
      this.groupByOwner(tags).map(async (indexes) => {
        const own = indexes.map((index) => tags[index]!)
        const answer = await this.run(steps.tagVersions, own, [], true)
        const versions = tagVersionsOf(answer, vouchOf(answer, true))
        indexes.forEach((index, at) => {
          found[index] = versions[at]!
        })
      }),
    )
    return found
  }

  async invalidateTag(tag: Buffer): Promise<void> {
    await this.run(steps.invalidateTag, [tag], [])
  }

  listen(prefix: Buffer, onInvalidate: (key?: Buffer) => void): () => void {
    this.listeners.set(prefix, onInvalidate)
    return () => this.listeners.delete(prefix)
  }

  async close(): Promise<void> {
    await this.options.hot.stop()
    this.keeper.stop()
    this.replicas.stop()
    await this.client.close()
  }

  private tell(keys: readonly Buffer[] | null): void {
    for (const [prefix, onInvalidate] of this.listeners) {
      if (!keys) onInvalidate()
      else for (const key of keys) if (startsWith(key, prefix)) onInvalidate(key)
    }
  }

  private async filled(
    script: Script,
    key: Buffer,
    args: readonly CommandPart[],
    isTold?: boolean,
  ): Promise<Filled> {
    const answer = await this.run(script, [key], args, isTold)
    return { isFilled: answer.reply === 1, vouch: vouchOf(answer, isTold) }
  }

  /** A plain command, without a look at the servers' command table: no other node is in its way. */
  private async order(command: readonly [string, ...CommandPart[]], keys: readonly Buffer[]): Promise<void> {
    const answer = await this.client.ask({ command, keys, isWrite: true })
    const { reply } = answer
    if (reply instanceof ReplyError) throw this.failure({ name: command[0] }, keys[0]!, reply, answer)
  }

  /** Errors: the server's as `stopped` and kin, naming node and script. */
  async run(
    script: Script,
    keys: readonly Buffer[],
    args: readonly CommandPart[],
    isTold?: boolean,
  ): Promise<Answer> {
    const answer = await this.ask(script, keys, args, isTold)
    const { reply } = answer
    if (reply instanceof ReplyError) throw this.failure(script, keys[0]!, reply, answer)
    return answer
  }

  failure(
    script: Pick<Script, 'name'>,
    key: Buffer,
    reply: ReplyError,
    { connection }: Answer,
  ): CachectlError {
    if (connection) return replyFailure(connection.access, script.name, reply)
    return stopped(`node ${printable(this.ownerOf(key))}: ${script.name}: ${printable(reply.message)}`)
  }

  /** Like `run`, but the server's error is a reply too. */
  async ask(
    script: Script,
    keys: readonly Buffer[],
    args: readonly CommandPart[],
    isTold = false,
  ): Promise<Answer> {
    const ask = (how: 'EVALSHA' | 'EVAL') =>
      this.client.ask({
        command: [how, how === 'EVAL' ? script.text : script.sha, keys.length, ...keys, ...args],
        keys,
        isWrite: true,
        isScriptable: false,
        isTold,
      })
    let answer = await ask('EVALSHA')
    const { reply } = answer
    if (reply instanceof ReplyError && reply.code === 'NOSCRIPT') answer = await ask('EVAL')
    return answer
  }
}

function startsWith(key: Buffer, prefix: Buffer): boolean {
  return key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
