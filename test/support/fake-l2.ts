/**
 * The second tier in memory, over which several processes share two nodes. Every request, reply and invalidation is
 * delivered when the test's scheduler says so: requests of one connection in order, replies and invalidations of one
 * connection in order, and nothing else. Connections can be lost, go silent, or be frozen with their node.
 */
import type {
  Filled,
  L2Fill,
  L2Found,
  L2Lease,
  L2Port,
  L2Refill,
  TagVersion,
  Telling,
  Vouch,
} from '../../src/cache/ports.js'
import type { Tracking } from '../../src/redis/tracked-connection.js'
import { Link } from './fake-link.js'
import { FakeNode, type Found } from './fake-node.js'
import type { VirtualTime } from './virtual-time.js'

/** Resolves when the step may be taken. */
export type Deliver = (step: string) => Promise<void>

export interface FakeFleetOptions {
  readonly time: VirtualTime
  readonly deliver: Deliver
  /** Default: n1 and n2. */
  readonly nodes?: readonly string[]
  /** A weakness: a node with another meaning. */
  readonly Node?: typeof FakeNode
}

const signOfLifeMs = 250

export class FakeFleet {
  readonly nodes: ReadonlyMap<string, FakeNode>
  readonly frozen = new Map<string, { readonly whenThawed: Promise<void>; thaw(): void }>()
  readonly links = new Set<Link>()
  private readonly moved = new Map<string, string>()

  constructor(readonly options: FakeFleetOptions) {
    const { nodes = ['n1', 'n2'], time, Node = FakeNode } = options
    this.nodes = new Map(nodes.map((id) => [id, new Node(id, time)]))
  }

  /** The second tier of one process. */
  client(name: string, tracking: Tracking = 'all'): FakeL2 {
    return new FakeL2(name, this, tracking)
  }

  nodeOf(key: string): FakeNode {
    return this.nodes.get(this.ownerOf(key))!
  }

  ownerOf(key: string): string {
    const ids = [...this.nodes.keys()]
    const sum = [...key].reduce((total, letter) => (total * 31 + letter.charCodeAt(0)) % 65_521, 7)
    return this.moved.get(key) ?? ids[sum % ids.length]!
  }

  /** A live change moves one key: its node tells who read it. Clients adopt an epoch when nothing of theirs is under way. */
  move(key: string, target: string): void {
    this.nodeOf(key).hand(key, this.nodes.get(target)!)
    this.moved.set(key, target)
  }

  freeze(node: string): void {
    let thaw: () => void = () => {}
    const whenThawed = new Promise<void>((resolve) => {
      thaw = resolve
    })
    this.frozen.set(node, { whenThawed, thaw })
  }

  thaw(node: string): void {
    this.frozen.get(node)?.thaw()
    this.frozen.delete(node)
  }

  /** The process of a node ends and starts again: with what it had saved, or empty. */
  restart(node: string, data?: ReturnType<FakeNode['save']>): void {
    for (const link of this.linksOf({ node })) link.lose()
    this.nodes.get(node)!.restart(data)
    this.thaw(node)
  }

  linksOf({ client, node }: { client?: string; node?: string }): Link[] {
    return [...this.links].filter(
      (link) => (client ?? link.client) === link.client && (node ?? link.node.id) === link.node.id,
    )
  }
}

export class FakeL2 implements L2Port {
  private readonly listeners = new Map<string, (key?: Buffer) => void>()
  private readonly links = new Map<string, Link>()
  private readonly downSinceMs = new Map<string, number>()
  private readonly keeping: NodeJS.Timeout
  /** Reads under way that nobody tells of, by their keys. */
  private readonly untold = new Map<string, number>()
  private isEnded = false

  constructor(
    readonly name: string,
    private readonly fleet: FakeFleet,
    private readonly tracking: Tracking,
  ) {
    this.keeping = setInterval(() => this.keep(), signOfLifeMs)
  }

  ownerOf(key: Buffer): string {
    return this.fleet.ownerOf(key.toString())
  }

  groupByOwner(keys: readonly Buffer[]): number[][] {
    const groups = new Map<string, number[]>()
    keys.forEach((key, index) => {
      const owner = this.ownerOf(key)
      groups.set(owner, [...(groups.get(owner) ?? []), index])
    })
    return [...groups.values()]
  }

  isUp(node: string): boolean {
    return !this.downSinceMs.has(node)
  }

  giveUp(node: string): void {
    this.downSinceMs.set(node, this.fleet.options.time.nowMs())
  }

  /** The connection to the node, as a test disturbs it. */
  linkTo(node: string): Link {
    const known = this.links.get(node)
    if (known && !known.isLost) return known
    const link = new Link(this.name, this.fleet.nodes.get(node)!, this.fleet, {
      heard: (sentMs) => {
        if (sentMs > (this.downSinceMs.get(node) ?? Number.POSITIVE_INFINITY)) this.downSinceMs.delete(node)
      },
      invalidated: (keys) => this.tell(keys),
      lost: () => this.giveUp(node),
    })
    this.links.set(node, link)
    return link
  }

  /** Whether it has been told of every change so far of what it had read, and reads nothing that it is not told of. */
  hasHeardOf(key: string): boolean {
    if ((this.untold.get(key) ?? 0) > 0) return false
    return [...this.links.values()].every(
      ({ announced, isLost, isSilent }) => !isLost && !isSilent && !announced.includes(key),
    )
  }

  async getOrLease(keys: readonly Buffer[], lease: L2Lease): Promise<L2Found[]> {
    const isTold = this.tells(lease)
    if (!isTold) for (const key of keys) this.countUntold(key, 1)
    const finds = this.run(
      'get',
      keys,
      (node, link) =>
        keys.map((key) =>
          foundOf(node.getOrLease(link, key.toString(), lease), isTold ? link.vouch : undefined),
        ),
      lease,
    )
    return finds.finally(() => {
      if (!isTold) for (const key of keys) this.countUntold(key, -1)
    })
  }

  keepLease(key: Buffer, lease: L2Lease): Promise<boolean> {
    return this.run('keep', [key], (node, link) => node.keepLease(link, key.toString(), lease), lease)
  }

  releaseLease(key: Buffer, token: string): Promise<void> {
    return this.run('release', [key], (node, link) => node.releaseLease(link, key.toString(), token))
  }

  fill(key: Buffer, fill: L2Fill): Promise<Filled> {
    const args = { ...fill, body: fill.body.toString('latin1') }
    return this.filled('fill', key, (node, link) => node.fill(link, key.toString(), args), fill)
  }

  startRefresh(
    key: Buffer,
    refresh: { readonly stamp: string; readonly token: string; readonly leaseMs: number },
  ): Promise<boolean> {
    return this.run('refresh', [key], (node, link) => node.startRefresh(link, key.toString(), refresh))
  }

  refill(key: Buffer, refill: L2Refill): Promise<Filled> {
    const args = { ...refill, body: refill.body.toString('latin1') }
    return this.filled('refill', key, (node, link) => node.refill(link, key.toString(), args), refill)
  }

  put(key: Buffer, { body, ttlMs }: { readonly body: Buffer; readonly ttlMs: number }): Promise<Filled> {
    const args = { body: body.toString('latin1'), ttlMs }
    return this.filled('put', key, (node, link) => node.put(link, key.toString(), args))
  }

  update(
    key: Buffer,
    { version, body, ttlMs }: { readonly version: string; readonly body: Buffer; readonly ttlMs: number },
  ): Promise<Filled> {
    const args = { version, body: body.toString('latin1'), ttlMs }
    return this.filled('update', key, (node, link) => node.update(link, key.toString(), args))
  }

  touch(key: Buffer, life: { readonly stamp?: string; readonly ttlMs: number } & Telling): Promise<void> {
    return this.run('touch', [key], (node, link) => node.touch(link, key.toString(), life), life)
  }

  async remove(keys: readonly Buffer[]): Promise<void> {
    await this.run('remove', keys, (node, link) => {
      for (const key of keys) node.remove(link, key.toString())
    })
  }

  mark(key: Buffer, lease: { readonly token: string; readonly leaseMs: number }): Promise<void> {
    return this.run('mark', [key], (node, link) => node.mark(link, key.toString(), lease))
  }

  unmark(key: Buffer, token: string): Promise<void> {
    return this.run('unmark', [key], (node, link) => node.unmark(link, key.toString(), token))
  }

  tagVersions(tags: readonly Buffer[]): Promise<TagVersion[]> {
    const asked = { isTold: true }
    return this.run(
      'tags',
      tags,
      (node, link) => tags.map((tag) => ({ ...node.tagVersion(link, tag.toString()), vouch: link.vouch })),
      asked,
    )
  }

  invalidateTag(tag: Buffer): Promise<void> {
    return this.run('tag+', [tag], (node, link) => node.invalidateTag(link, tag.toString()))
  }

  listen(prefix: Buffer, onInvalidate: (key?: Buffer) => void): () => void {
    this.listeners.set(prefix.toString(), onInvalidate)
    return () => this.listeners.delete(prefix.toString())
  }

  /** kill -9: what it has sent may still be done, and it hears nothing more. */
  end(): void {
    this.isEnded = true
    clearInterval(this.keeping)
    for (const link of this.links.values()) link.lose()
  }

  private run<T>(
    what: string,
    keys: readonly Buffer[],
    act: (node: FakeNode, link: Link) => T,
    telling: Telling = {},
  ): Promise<T> {
    if (this.isEnded) return new Promise(() => undefined)
    const link = this.linkTo(this.ownerOf(keys[0]!))
    return link.send(`${what} ${keys.join(' ')}`, (node) => {
      link.isUntold = !this.tells(telling)
      return act(node, link)
    })
  }

  private tells({ isTold = false }: Telling): boolean {
    return isTold || this.tracking === 'all'
  }

  private countUntold(key: Buffer, change: number): void {
    const name = key.toString()
    this.untold.set(name, (this.untold.get(name) ?? 0) + change)
  }

  private async filled(
    what: string,
    key: Buffer,
    act: (node: FakeNode, link: Link) => boolean,
    telling: Telling = {},
  ): Promise<Filled> {
    const vouchOf = (link: Link) => (this.tells(telling) ? link.vouch : undefined)
    return this.run(
      what,
      [key],
      (node, link) => ({ isFilled: act(node, link), vouch: vouchOf(link) }),
      telling,
    )
  }

  private keep(): void {
    for (const id of this.fleet.nodes.keys()) {
      const link = this.linkTo(id)
      if (this.isUp(id) && this.fleet.options.time.nowMs() - link.heardMs < signOfLifeMs) continue
      link.send('ping', () => undefined).catch(() => undefined) // it is down then
    }
  }

  private tell(keys: readonly string[] | null): void {
    for (const [prefix, onInvalidate] of this.listeners) {
      if (!keys) onInvalidate()
      else for (const key of keys) if (key.startsWith(prefix)) onInvalidate(Buffer.from(key))
    }
  }
}

function foundOf(found: Found, vouch: Vouch | undefined): L2Found {
  if (found.kind === 'leased') return { kind: 'leased', vouch }
  if (found.kind === 'busy') return { ...found, isTold: vouch !== undefined }
  if (found.kind !== 'value') return found
  const stored = {
    stamp: found.text.slice(1, 17),
    body: Buffer.from(found.text.slice(17), 'latin1'),
    leftMs: found.leftMs,
    isPending: false,
  }
  return { kind: 'value', value: stored, vouch }
}
