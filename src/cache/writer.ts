/**
 * Writing: the source of truth first, then the cache, which drops the key or takes the new version. What could not be told
 * to a node is told when it answers again.
 */
import { isUnreachable } from '../errors.js'
import { callWriter } from './call-writer.js'
import type { CacheCore, Written } from './core.js'
import { withinDeadline } from './l2-deadline.js'
import type { LateSubject } from './late-removals.js'
import type { Reader } from './reader.js'
import type { StoredTag } from './stored-body.js'
import { versionText } from './stored-body.js'
import { freshToken } from './token.js'

export interface SetOptions {
  readonly ttlMs: number | undefined
  readonly tags: readonly string[]
}

const noSeqs: ReadonlyMap<string, bigint> = new Map()

export class Writer<V> {
  constructor(
    private readonly core: CacheCore<V>,
    private readonly reader: Reader<V>,
    private readonly behind?: { put(key: string, value: V | null, options: SetOptions): Promise<void> },
  ) {}

  /**
   * Errors: `invalid` for a value that the codec can't write; the source's own; `unreachable` when the source has the value
   * and the cache could not be told yet.
   */
  async set(key: string, value: V | null, options: SetOptions): Promise<void> {
    const { settings, l2, stats } = this.core
    stats.writes += 1
    if (this.behind) return this.behind.put(key, value, options)
    this.reader.invalidate(key)
    if (!settings.write) return this.place(key, value, options)
    // before the source is written: what the codec can't write is the caller's mistake
    const written = settings.version && value !== null ? this.core.write(key, value) : undefined
    const token = settings.isStrict && l2 ? await this.mark(key) : undefined
    try {
      await this.writeSource(key, value)
    } finally {
      // even when it failed: whether the source has it is unknown
      await this.afterWrite(key, { value, token, options, written })
    }
  }

  async invalidate(keys: readonly string[]): Promise<void> {
    const { l2 } = this.core
    for (const key of keys) this.reader.invalidate(key)
    if (l2 && keys.length > 0) {
      const whole = keys.map((key) => this.core.wholeKey(key))
      const groups = l2.groupByOwner(whole).map((indexes) => indexes.map((index) => whole[index]!))
      const done = await Promise.allSettled(groups.map((group) => this.remove(group)))
      const failed = done.find((each) => each.status === 'rejected')
      if (failed) throw failed.reason
    }
    // again: what was asked for before the removal and answered after it is old
    for (const key of keys) this.reader.invalidate(key)
  }

  async invalidateTag(tag: string): Promise<void> {
    const { tags, l2 } = this.core
    this.dropTag(tag)
    try {
      await tags.invalidate(tag)
    } catch (error) {
      if (l2 && isUnreachable(error)) this.later({ tag }, tags.keyOf(tag), () => tags.invalidate(tag))
      throw error
    } finally {
      this.dropTag(tag)
    }
  }

  /** Somebody has invalidated the tag. */
  dropTag(tag: string): void {
    for (const key of this.core.tagged.take(tag)) this.reader.invalidate(key)
  }

  /** Without a source of truth behind it, the cache is told what the application knows. */
  private async place(key: string, value: V | null, { ttlMs, tags }: SetOptions): Promise<void> {
    const { l2, tags: known, settings, clock } = this.core
    if (value === null) return this.invalidate([key])
    const written = this.core.write(key, value)
    const { versions } = await known.versions(tags)
    const {
      body,
      freshMs,
      ttlMs: lifeMs,
    } = this.core.encode({ value, ttlMs, loadMs: 0, tags: versions }, written)
    if (!l2) {
      this.core.keep(key, value, {
        ...{ freshUntilMs: clock.nowMs() + freshMs, loadMs: 0, bytes: body.length, tags: versions },
        vouch: { untilMs: Number.POSITIVE_INFINITY },
      })
      return
    }
    const whole = this.core.wholeKey(key)
    const node = l2.ownerOf(whole)
    const deadline = { node, timeoutMs: settings.l2TimeoutMs }
    await withinDeadline(l2, deadline, l2.put(whole, { body, ttlMs: lifeMs })).catch((error: unknown) => {
      // what it holds now may be older than what the application knows
      if (isUnreachable(error)) this.removeLate([whole])
      throw error
    })
    this.reader.invalidate(key)
  }

  private async mark(key: string): Promise<string> {
    const { settings } = this.core
    const l2 = this.core.l2!
    const token = freshToken()
    const whole = this.core.wholeKey(key)
    const leaseMs = Math.ceil(settings.loadTimeoutMs * 1.5)
    const deadline = { node: l2.ownerOf(whole), timeoutMs: settings.l2TimeoutMs }
    await withinDeadline(l2, deadline, l2.mark(whole, { token, leaseMs }))
    return token
  }

  private async writeSource(key: string, value: V | null): Promise<void> {
    const { write, loadTimeoutMs } = this.core.settings
    await callWriter(write!, new Map([[key, value]]), { seqs: noSeqs, timeoutMs: loadTimeoutMs })
  }

  private async afterWrite(
    key: string,
    {
      value,
      token,
      options,
      written,
    }: { value: V | null; token: string | undefined; options: SetOptions; written: Written | undefined },
  ): Promise<void> {
    const { l2, settings, tags } = this.core
    if (!l2) {
      this.reader.invalidate(key)
      return
    }
    const whole = this.core.wholeKey(key)
    const deadline = { node: l2.ownerOf(whole), timeoutMs: settings.l2TimeoutMs }
    if (token === undefined && written) {
      let versions: readonly StoredTag[] = []
      try {
        versions = (await tags.versions(options.tags)).versions
        const encoded = this.core.encode({ value, ttlMs: options.ttlMs, loadMs: 0, tags: versions }, written)
        const update = {
          version: versionText(written.version),
          body: encoded.body,
          ttlMs: encoded.ttlMs,
        }
        await withinDeadline(l2, deadline, l2.update(whole, update))
      } catch (error) {
        if (!isUnreachable(error)) throw error
        this.removeLate([whole])
        throw error
      } finally {
        this.reader.invalidate(key)
      }
      return
    }
    if (token === undefined) return this.invalidate([key])
    try {
      await withinDeadline(l2, deadline, l2.unmark(whole, token))
    } catch (error) {
      if (isUnreachable(error)) this.later({ key: whole }, whole, () => l2.unmark(whole, token))
      throw error
    } finally {
      this.reader.invalidate(key)
    }
  }

  private async remove(keys: readonly Buffer[]): Promise<void> {
    const { settings } = this.core
    const l2 = this.core.l2!
    const deadline = { node: l2.ownerOf(keys[0]!), timeoutMs: settings.l2TimeoutMs }
    try {
      await withinDeadline(l2, deadline, l2.remove(keys))
    } catch (error) {
      if (isUnreachable(error)) this.removeLate(keys)
      throw error
    }
  }

  private removeLate(keys: readonly Buffer[]): void {
    for (const key of keys) this.later({ key }, key, () => this.core.l2!.remove([key]))
  }

  private later(subject: LateSubject, key: Buffer, tell: () => Promise<void>): void {
    const l2 = this.core.l2!
    this.core.late.add(subject, { isReady: () => l2.isUp(l2.ownerOf(key)), tell })
  }
}
