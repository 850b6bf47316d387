/**
 * A node of the cache in memory: what the scripts of src/redis/cache-scripts.ts do, step by step, with CLIENT TRACKING as
 * a server does it: a read is remembered, a write tells all who read but its own hand (NOLOOP), and forgets them all.
 * test/cache/l2-contract.ts holds it to a real server. Weaknesses override single methods.
 */

/** The node's end of a connection. */
export interface Caller {
  /** What it reads now is not remembered. */
  readonly isUntold?: boolean
  push(keys: readonly string[] | null): void
}

interface Entry {
  readonly text: string
  readonly expiresAtMs: number
}

export interface FillArgs {
  readonly token: string
  readonly body: string
  readonly ttlMs: number
}

export type Found =
  | { readonly kind: 'value'; readonly text: string; readonly leftMs: number }
  | { readonly kind: 'leased' }
  | { readonly kind: 'busy'; readonly leftMs: number }
  | { readonly kind: 'marked' }
  | { readonly kind: 'absent' }

export class FakeNode {
  protected entries = new Map<string, Entry>()
  private readonly readers = new Map<string, Set<Caller>>()
  private readonly callers = new Set<Caller>()
  private lastUs = 0
  private bornUs = 0
  runId = 1
  private bornRunId = 0
  /** Its clock is so much ahead of the others'. */
  skewMs = 0

  constructor(
    readonly id: string,
    protected readonly time: { nowMs(): number; wallMs(): number },
  ) {}

  join(caller: Caller): void {
    this.callers.add(caller)
    if (this.bornRunId === this.runId) return
    this.bornRunId = this.runId
    // what has nothing has forgotten nothing
    this.bornUs = this.entries.size === 0 ? 0 : this.nowUs()
  }

  leave(caller: Caller): void {
    this.callers.delete(caller)
    for (const readers of this.readers.values()) readers.delete(caller)
  }

  /** A copy of its data, as a snapshot on disk. */
  save(): ReadonlyMap<string, Entry> {
    return new Map(this.entries)
  }

  /** A new process, with that data; its connections are ended by the caller. */
  restart(data: ReadonlyMap<string, Entry> = new Map()): void {
    this.runId += 1
    this.entries = new Map(data)
    this.readers.clear()
    this.callers.clear()
  }

  flushAll(): void {
    this.entries.clear()
    this.readers.clear()
    for (const caller of this.callers) caller.push(null)
  }

  /** Hands a key over to another node, as MOVE does: whoever read it here is told. */
  hand(key: string, target: FakeNode): void {
    const entry = this.live(key)
    if (!entry) return
    target.entries.set(key, entry)
    target.signal(undefined, key)
    this.entries.delete(key)
    this.signal(undefined, key)
  }

  peek(key: string): string | undefined {
    return this.live(key)?.text
  }

  getOrLease(caller: Caller, key: string, { token, leaseMs }: { token: string; leaseMs: number }): Found {
    const found = this.get(caller, key)
    if (found?.[0] === 'V' && Number(found.slice(1, 17)) >= this.believedSinceUs())
      return { kind: 'value', text: found, leftMs: this.pttl(key) }
    if (found?.[0] === 'L' && found !== `L${token}`) return { kind: 'busy', leftMs: this.pttl(key) }
    if (found?.[0] === 'W') return { kind: 'marked' }
    if (leaseMs === 0) return { kind: 'absent' }
    this.set(caller, key, `L${token}`, leaseMs)
    this.readAgain(caller, key)
    return { kind: 'leased' }
  }

  keepLease(caller: Caller, key: string, { token, leaseMs }: { token: string; leaseMs: number }): boolean {
    if (this.get(caller, key) !== `L${token}`) return false
    this.expire(caller, key, leaseMs)
    this.readAgain(caller, key)
    return true
  }

  releaseLease(caller: Caller, key: string, token: string): void {
    if (this.get(caller, key) === `L${token}`) this.del(caller, key)
  }

  fill(caller: Caller, key: string, { token, body, ttlMs }: FillArgs): boolean {
    if (this.get(caller, key) !== `L${token}`) return false
    return this.put(caller, key, { body, ttlMs })
  }

  startRefresh(
    caller: Caller,
    key: string,
    { stamp, token, leaseMs }: { stamp: string; token: string; leaseMs: number },
  ): boolean {
    if (!this.get(caller, key)?.startsWith(`V${stamp}`)) return false
    const refresh = `__cachectl:refresh:${key}`
    if (this.live(refresh)) return false
    this.set(caller, refresh, token, leaseMs)
    return true
  }

  refill(caller: Caller, key: string, { stamp, token, body, ttlMs }: FillArgs & { stamp: string }): boolean {
    const refresh = `__cachectl:refresh:${key}`
    if (this.live(refresh)?.text === token) this.del(caller, refresh)
    if (!this.get(caller, key)?.startsWith(`V${stamp}`)) return false
    return this.put(caller, key, { body, ttlMs })
  }

  put(caller: Caller, key: string, { body, ttlMs }: { body: string; ttlMs: number }): boolean {
    this.set(caller, key, `V${String(this.nowUs()).padStart(16, '0')}${body}`, ttlMs)
    this.readAgain(caller, key)
    return true
  }

  update(
    caller: Caller,
    key: string,
    { version, body, ttlMs }: { version: string; body: string; ttlMs: number },
  ): boolean {
    const found = this.get(caller, key)
    if (found?.[0] !== 'V') {
      this.del(caller, key)
      return false
    }
    if (found.slice(17, 37) >= version) return false
    return this.put(caller, key, { body, ttlMs })
  }

  touch(caller: Caller, key: string, { stamp = '', ttlMs }: { stamp?: string; ttlMs: number }): void {
    if (!this.get(caller, key)?.startsWith(`V${stamp}`)) return
    this.expire(caller, key, ttlMs)
    this.readAgain(caller, key)
  }

  remove(caller: Caller, key: string): void {
    this.del(caller, key)
  }

  mark(caller: Caller, key: string, { token, leaseMs }: { token: string; leaseMs: number }): void {
    this.set(caller, key, `W${token}`, leaseMs)
  }

  unmark(caller: Caller, key: string, token: string): void {
    const found = this.get(caller, key)
    if (found?.[0] === 'W' && found !== `W${token}`) return
    this.del(caller, key)
  }

  tagVersion(caller: Caller, tag: string): { version: string; ageMs: number } {
    const found = this.get(caller, tag)
    if (found !== undefined)
      return { version: found, ageMs: Math.max(0, this.wallUs() - Number(found)) / 1_000 }
    const version = String(this.nowUs())
    this.set(caller, tag, version)
    this.readAgain(caller, tag)
    return { version, ageMs: Number.POSITIVE_INFINITY }
  }

  invalidateTag(caller: Caller, tag: string): void {
    const before = Number(this.get(caller, tag) ?? 0)
    this.set(caller, tag, String(Math.max(this.nowUs(), before + 1)))
  }

  /** After a write of its reader's own a key is not tracked: so it is read again (race 8). */
  protected readAgain(caller: Caller, key: string): void {
    this.get(caller, key)
  }

  /** µs before which no value on this node is believed. */
  protected believedSinceUs(): number {
    return this.bornUs
  }

  protected get(caller: Caller, key: string): string | undefined {
    const readers = this.readers.get(key)
    if (caller.isUntold) return this.live(key)?.text
    if (readers) readers.add(caller)
    else this.readers.set(key, new Set([caller]))
    return this.live(key)?.text
  }

  protected set(caller: Caller, key: string, text: string, ttlMs = Number.POSITIVE_INFINITY): void {
    this.entries.set(key, { text, expiresAtMs: this.time.nowMs() + ttlMs })
    this.signal(caller, key)
  }

  protected del(caller: Caller, key: string): void {
    if (!this.live(key)) return
    this.entries.delete(key)
    this.signal(caller, key)
  }

  /** The server's clock, which moves on from command to command. */
  protected nowUs(): number {
    this.lastUs = Math.max(this.lastUs + 1, this.wallUs())
    return this.lastUs
  }

  private wallUs(): number {
    return Math.round((this.time.wallMs() + this.skewMs) * 1_000)
  }

  protected signal(writer: Caller | undefined, key: string): void {
    const readers = this.readers.get(key)
    this.readers.delete(key)
    for (const reader of readers ?? []) if (reader !== writer) reader.push([key])
  }

  private expire(caller: Caller, key: string, ttlMs: number): void {
    const entry = this.live(key)
    if (!entry) return
    if (ttlMs <= 0) this.del(caller, key)
    else this.set(caller, key, entry.text, ttlMs)
  }

  private pttl(key: string): number {
    return (this.live(key)?.expiresAtMs ?? 0) - this.time.nowMs()
  }

  private live(key: string): Entry | undefined {
    const entry = this.entries.get(key)
    if (!entry || entry.expiresAtMs > this.time.nowMs()) return entry
    this.entries.delete(key)
    this.signal(undefined, key)
    return undefined
  }
}
