/**
 * Writing: the source of truth first, then the cache, which drops the key or takes the new version. What could not be told
 * to a node is told when it answers again.
 */
import { isUnreachable } from '../errors.js'
import { callWriter } from './call-writer.js'
import type { CacheCore, Written } from './core.js'
import { always } from './flight.js'
import type { LateSubject } from './late-removals.js'
import type { SourceWriter } from './options.js'
import type { Reader } from './reader.js'
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
    const isVersioned = settings.version !== undefined && value !== null
    if (isVersioned) this.core.write(key, value)
    const token = settings.isStrict && l2 ? await this.mark(key) : undefined
    try {
      await this.writeSource(key, value)
    } catch (error) {
      // whether the source has it is unknown: the key is dropped, and the source's own error is told
      await this.drop(key, token).catch(() => undefined) // it is told later, as always
      throw error
    }
    // anew: the source may have given the value its version
    const written = isVersioned ? this.core.write(key, value) : undefined
    await this.afterWrite(key, { value, token, options, written })
  }

  async invalidate(keys: readonly string[]): Promise<void> {
    const { l2 } = this.core
    for (const key of keys) this.reader.invalidate(key)
    if (l2 && keys.length > 0) {
      const whole = keys.map((key) => this.core.wholeKey(key))
      const groups = l2.groupByOwner(whole).map((indexes) => indexes.map((index) => keys[index]!))
      const done = await Promise.allSettled(groups.map((group) => this.remove(group)))
      // again: what was asked for before the removal and answered after it is old
      for (const key of keys) this.reader.invalidate(key)
      const failed = done.find((each) => each.status === 'rejected')
      if (failed) throw failed.reason
    }
  }

  async invalidateTag(tag: string): Promise<void> {
    const { tags, l2 } = this.core
    this.dropTag(tag)
    try {
      await tags.invalidate(tag)
    } catch (error) {
      if (l2 && isUnreachable(error)) this.later({ tag }, tags.keyOf(tag), () => this.invalidateTag(tag))
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
    const { l2, tags: known, clock } = this.core
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
        vouch: always,
      })
      return
    }
    const whole = this.core.wholeKey(key)
    const request = l2.put(whole, { body, ttlMs: lifeMs })
    try {
      await this.core.inTime(whole, request)
    } catch (error) {
      // what it holds now may be older than what the application knows
      if (isUnreachable(error)) this.removeLate([key], request)
      throw error
    } finally {
      this.reader.invalidate(key)
    }
  }

  private async mark(key: string): Promise<string> {
    const { settings } = this.core
    const l2 = this.core.l2!
    const token = freshToken()
    const whole = this.core.wholeKey(key)
    const leaseMs = Math.ceil(settings.loadTimeoutMs * 1.5)
    const request = l2.mark(whole, { token, leaseMs })
    try {
      await this.core.inTime(whole, request)
    } catch (error) {
      // it may stand there, now or in a moment, and nobody writes
      if (isUnreachable(error)) this.unmarkLate(key, token, request)
      throw error
    }
    return token
  }

  private async writeSource(key: string, value: V | null): Promise<void> {
    const { write, loadTimeoutMs } = this.core.settings
    let isUnderWay = false
    let writing: Promise<void> = Promise.resolve()
    const observed: SourceWriter<V> = (batch, context) => {
      isUnderWay = true
      writing = write!(batch, context).finally(() => {
        isUnderWay = false
      })
      return writing
    }
    try {
      await callWriter(observed, new Map([[key, value]]), { seqs: noSeqs, timeoutMs: loadTimeoutMs })
    } catch (error) {
      // one that comes too late changes what has been read meanwhile
      if (isUnderWay) {
        const again = writing.catch(() => undefined).then(() => this.invalidate([key]))
        again.catch((failure: unknown) => this.core.on.error?.(failure))
      }
      throw error
    }
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
    const { l2, tags } = this.core
    if (!l2) {
      this.reader.invalidate(key)
      return
    }
    const whole = this.core.wholeKey(key)
    if (token === undefined && written) {
      try {
        const { versions } = await tags.versions(options.tags)
        const encoded = this.core.encode({ value, ttlMs: options.ttlMs, loadMs: 0, tags: versions }, written)
        const update = {
          version: versionText(written.version),
          body: encoded.body,
          ttlMs: encoded.ttlMs,
        }
        await this.core.inTime(whole, l2.update(whole, update))
      } catch (error) {
        this.removeLate([key])
        throw error
      } finally {
        this.reader.invalidate(key)
      }
      return
    }
    await this.drop(key, token)
  }

  /** Takes away what stands under the key, our marker or a value. */
  private async drop(key: string, token: string | undefined): Promise<void> {
    if (token === undefined) return this.invalidate([key])
    const l2 = this.core.l2!
    const whole = this.core.wholeKey(key)
    try {
      await this.core.inTime(whole, l2.unmark(whole, token))
    } catch (error) {
      if (isUnreachable(error)) this.unmarkLate(key, token)
      throw error
    } finally {
      this.reader.invalidate(key)
    }
  }

  private async remove(keys: readonly string[]): Promise<void> {
    const whole = keys.map((key) => this.core.wholeKey(key))
    try {
      await this.core.inTime(whole[0]!, this.core.l2!.remove(whole))
    } catch (error) {
      if (isUnreachable(error)) this.removeLate(keys)
      throw error
    }
  }

  /** `after`: a request that may still be carried out, and must be over first. */
  private removeLate(keys: readonly string[], after?: Promise<unknown>): void {
    for (const key of keys) {
      const whole = this.core.wholeKey(key)
      this.laterKey(key, () => this.core.l2!.remove([whole]), after)
    }
  }

  private unmarkLate(key: string, token: string, after?: Promise<unknown>): void {
    this.laterKey(key, () => this.core.l2!.unmark(this.core.wholeKey(key), token), after)
  }

  private laterKey(key: string, tell: () => Promise<void>, after?: Promise<unknown>): void {
    const whole = this.core.wholeKey(key)
    const dropToo = () => tell().finally(() => this.reader.invalidate(key))
    this.later({ key: whole }, whole, dropToo, after)
  }

  private later(
    subject: LateSubject,
    key: Buffer,
    tell: () => Promise<void>,
    after: Promise<unknown> = Promise.resolve(),
  ): void {
    const l2 = this.core.l2!
    let isOver = false
    const end = () => {
      isOver = true
    }
    after.then(end, end)
    this.core.late.add(subject, { isReady: () => isOver && l2.isUp(l2.ownerOf(key)), tell })
  }
}
