/**
 * A TCP proxy of this process in front of one server, whose faults are set and lifted while it runs. A fault may be for
 * some connections only, by the name they give themselves (`CLIENT SETNAME`): so an operator can be cut off from a node
 * that its clients still reach.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '../../src/clock.js'

export type Direction = 'to-server' | 'to-client'

export type Toxic =
  /** Every byte arrives so much later; `jitterMs` more at most. */
  | { readonly kind: 'latency'; readonly ms: number; readonly jitterMs?: number }
  | { readonly kind: 'bandwidth'; readonly bytesPerSec: number }
  /** RST to the client after so many bytes since it was set, of both directions; 0: at once. `times`: then no more. */
  | { readonly kind: 'reset'; readonly afterBytes: number; readonly times?: number }
  /** Accepts and takes bytes, forwards none; what was taken arrives late, when it is lifted. */
  | { readonly kind: 'blackhole' }
  /** Forwards nothing in that direction. */
  | { readonly kind: 'half-open'; readonly dead: Direction }
  /** Pieces of so many bytes, a write each. */
  | { readonly kind: 'slices'; readonly bytes: number }
  /** Chunks are something else on arrival. */
  | { readonly kind: 'rewrite'; readonly on: Direction; readonly edit: (chunk: Buffer) => Buffer }

export interface SetToxic {
  /** How many connections it has reset. */
  readonly resets: number
  lift(): void
}

export interface FaultProxy {
  readonly port: number
  readonly url: string
  /** `only`: connections whose name begins so. */
  set(toxic: Toxic, options?: { only?: string }): SetToxic
  liftAll(): void
  /** Refuses connections, and ends those there are; `up` listens on the same port again. */
  down(): Promise<void>
  up(): Promise<void>
  /** Where new connections lead from now on; with `cut` the present ones are ended. */
  lead(port: number, options?: { cut?: boolean }): void
  close(): Promise<void>
}

interface Installed {
  readonly toxic: Toxic
  readonly only: string
  readonly seen: WeakMap<Link, number>
  resets: number
}

const mostWaitingBytes = 4 * 2 ** 20
const nameWithin = 4_096

export async function startFaultProxy(upstreamPort: number): Promise<FaultProxy> {
  const proxy = new Proxying(upstreamPort)
  await proxy.listen(0)
  return proxy
}

class Proxying implements FaultProxy {
  port = 0
  readonly links = new Set<Link>()
  private readonly installed = new Set<Installed>()
  private server: Server | undefined
  private changed: Promise<void>
  private announce: () => void = () => {}

  constructor(private upstreamPort: number) {
    this.changed = this.nextChange()
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const link = new Link(client, this.upstreamPort, this)
      this.links.add(link)
      for (const each of this.installed) this.resetIfDue(each, link, 0)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('no port')
    this.port = address.port
    this.server = server
  }

  set(toxic: Toxic, { only = '' }: { only?: string } = {}): SetToxic {
    const each: Installed = { toxic, only, seen: new WeakMap(), resets: 0 }
    this.installed.add(each)
    for (const link of this.links) this.resetIfDue(each, link, 0)
    this.tellChange()
    return {
      get resets() {
        return each.resets
      },
      lift: () => {
        this.installed.delete(each)
        this.tellChange()
      },
    }
  }

  liftAll(): void {
    this.installed.clear()
    this.tellChange()
  }

  async down(): Promise<void> {
    const { server } = this
    this.server = undefined
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
    this.cut()
    await closed
  }

  up(): Promise<void> {
    return this.listen(this.port)
  }

  lead(port: number, { cut = false }: { cut?: boolean } = {}): void {
    this.upstreamPort = port
    if (cut) this.cut()
  }

  async close(): Promise<void> {
    this.liftAll()
    await this.down()
  }

  of<K extends Toxic['kind']>(kind: K, link: Link): (Toxic & { kind: K })[] {
    return [...this.installed]
      .filter((each) => each.toxic.kind === kind && link.name.startsWith(each.only))
      .map(({ toxic }) => toxic as Toxic & { kind: K })
  }

  /** Resolves when the faults are others than now, or the link has ended. */
  whenChanged(link: Link): Promise<void> {
    return Promise.race([this.changed, link.ended])
  }

  /** Whether the link has been reset after `bytes` more. */
  count(link: Link, bytes: number): boolean {
    return [...this.installed].some((each) => this.resetIfDue(each, link, bytes))
  }

  private resetIfDue(each: Installed, link: Link, bytes: number): boolean {
    const { toxic, only, seen } = each
    if (toxic.kind !== 'reset' || !link.name.startsWith(only)) return false
    const total = (seen.get(link) ?? 0) + bytes
    seen.set(link, total)
    if (total < toxic.afterBytes || each.resets >= (toxic.times ?? Number.POSITIVE_INFINITY)) return false
    each.resets += 1
    link.end()
    return true
  }

  private cut(): void {
    for (const link of this.links) link.end()
  }

  private tellChange(): void {
    const { announce } = this
    this.changed = this.nextChange()
    announce()
  }

  private nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.announce = resolve
    })
  }
}

/** A client's connection and the one it leads to. */
class Link {
  /** As the client named it; empty until then. */
  name = ''
  readonly ended: Promise<void>
  private readonly upstream: Socket
  private tellEnd: () => void = () => {}

  constructor(
    private readonly client: Socket,
    port: number,
    private readonly proxy: Proxying,
  ) {
    this.ended = new Promise((resolve) => {
      this.tellEnd = resolve
    })
    this.upstream = createConnection({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    client.setNoDelay(true)
    for (const socket of [client, this.upstream]) socket.on('error', () => this.end())
    let head = Buffer.alloc(0)
    client.on('data', (chunk) => {
      if (this.name || head.length > nameWithin) return
      head = Buffer.concat([head, chunk])
      this.name = /SETNAME\r\n\$\d+\r\n(.*?)\r\n/i.exec(head.toString('latin1'))?.[1] ?? ''
    })
    const lanes = [
      forward(this, proxy, { from: client, to: this.upstream, direction: 'to-server' }),
      forward(this, proxy, { from: this.upstream, to: client, direction: 'to-client' }),
    ]
    Promise.all(lanes).then(() => this.end())
  }

  /** RST to the client; what the server had is its own. */
  end(): void {
    if (!this.proxy.links.delete(this)) return
    // a socket that has said its last word can't be reset, and would stay open when asked to
    if (this.client.writableEnded) this.client.destroy()
    else this.client.resetAndDestroy()
    this.upstream.destroy()
    this.tellEnd()
  }
}

interface Lane {
  readonly from: Socket
  readonly to: Socket
  readonly direction: Direction
}

/** Ends when one side has said its last word and it has been passed on. */
async function forward(link: Link, proxy: Proxying, { from, to, direction }: Lane): Promise<void> {
  const queue: { chunk: Buffer | null; atMs: number }[] = []
  let waiting = 0
  let wake: () => void = () => {}
  const push = (chunk: Buffer | null) => {
    queue.push({ chunk, atMs: systemClock.nowMs() })
    waiting += chunk?.length ?? 0
    if (waiting > mostWaitingBytes) from.pause()
    wake()
  }
  from.on('data', push)
  from.once('end', () => push(null))
  for (;;) {
    if (queue.length === 0) await Promise.race([link.ended, new Promise<void>((resolve) => (wake = resolve))])
    const next = queue.shift()
    if (!next || !proxy.links.has(link)) return
    await untilOpen(link, proxy, direction)
    const latencies = proxy.of('latency', link)
    const lateMs = latencies.reduce((sum, { ms, jitterMs = 0 }) => sum + ms + jitterMs * fraction(), 0)
    const pauseMs = next.atMs + lateMs - systemClock.nowMs()
    if (pauseMs > 0) await Promise.race([systemClock.sleep(pauseMs), link.ended])
    await untilOpen(link, proxy, direction)
    if (!proxy.links.has(link)) return
    if (next.chunk === null) {
      to.end()
      return
    }
    await write(link, proxy, { to, direction, chunk: next.chunk })
    waiting -= next.chunk.length
    if (waiting <= mostWaitingBytes / 2) from.resume()
  }
}

async function untilOpen(link: Link, proxy: Proxying, direction: Direction): Promise<void> {
  const isShut = () =>
    proxy.of('blackhole', link).length > 0 ||
    proxy.of('half-open', link).some(({ dead }) => dead === direction)
  while (isShut() && proxy.links.has(link)) await proxy.whenChanged(link)
}

async function write(
  link: Link,
  proxy: Proxying,
  { to, direction, chunk }: { to: Socket; direction: Direction; chunk: Buffer },
): Promise<void> {
  const edited = proxy
    .of('rewrite', link)
    .filter(({ on }) => on === direction)
    .reduce((bytes, { edit }) => edit(bytes), chunk)
  for (let at = 0; at < edited.length; ) {
    const sizes = proxy.of('slices', link).map(({ bytes }) => bytes)
    const rates = proxy.of('bandwidth', link).map(({ bytesPerSec }) => bytesPerSec)
    const rate = Math.min(...rates)
    // at most a twentieth of a second's bytes at once, so that a rate is one
    const size = Math.max(1, Math.floor(Math.min(edited.length, rate / 20, ...sizes)))
    const piece = edited.subarray(at, at + size)
    at += piece.length
    if (rates.length > 0) await systemClock.sleep((1000 * piece.length) / rate)
    await untilOpen(link, proxy, direction)
    if (!proxy.links.has(link)) return
    to.write(piece)
    if (sizes.length > 0) await new Promise((resolve) => setImmediate(resolve))
    if (proxy.count(link, piece.length)) return
  }
}

/** Spread evenly, and the same in every run. */
function fraction(): number {
  drawn = (drawn + 0.618_033_988_75) % 1
  return drawn
}
let drawn = 0
