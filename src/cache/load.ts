/** One call of a loader: within its time, with what it tells about its value. */
import type { Clock } from '../clock.js'
import { stopped } from '../errors.js'
import { printable } from '../printable.js'
import { durationMs } from './durations.js'
import type { Loaded, Loader } from './options.js'
import type { Vouch } from './ports.js'
import type { StoredTag } from './stored-body.js'
import type { Tags } from './tags.js'

/** A value fresh from the source of truth. */
export interface LoadedValue<V> {
  readonly value: V | null
  /** What the loader asked for; undefined: the cache's own. */
  readonly ttlMs: number | undefined
  readonly loadMs: number
  readonly tags: readonly StoredTag[]
  readonly tagVouches: readonly Vouch[]
  /** `Tags.changes` before the versions were asked for: the tags are as they were while it is the same. */
  readonly tagChanges: number
  /** One of its tags was invalidated while it was loaded, or its node does not answer: it may be served, not kept. */
  readonly isOutdated: boolean
}

export interface LoadOptions<V> {
  readonly clock: Clock
  readonly tags: Tags
  readonly timeoutMs: number
  readonly stale: V | undefined
  /** Hears of tags whose node could not be asked. */
  failed(error: unknown): void
}

/** Errors: the loader's own; `stopped` when it takes longer than `timeoutMs`. */
export async function callLoader<V>(
  key: string,
  load: Loader<V>,
  { clock, tags, timeoutMs, stale, failed }: LoadOptions<V>,
): Promise<LoadedValue<V>> {
  const startedMs = clock.nowMs()
  const startedChanges = tags.changes
  const ending = new AbortController()
  let ttlMs: number | undefined
  const named = new Set<string>()
  const context = {
    signal: ending.signal,
    stale,
    ttl: (ms: Parameters<typeof durationMs>[1]) => {
      ttlMs = durationMs('ttl', ms)
    },
    tags: (...names: string[]) => {
      for (const name of names) named.add(name)
    },
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = stopped(`loading ${printable(key, 80)} took longer than ${timeoutMs} ms`)
      ending.abort(error)
      reject(error)
    }, timeoutMs)
  })
  try {
    const value: Loaded<V> = await Promise.race([Promise.resolve(load(key, context)), late])
    const loadMs = clock.nowMs() - startedMs
    const found = await tags.versions([...named], startedChanges).catch((error: unknown) => {
      failed(error)
      return undefined
    })
    return {
      value: value ?? null,
      ttlMs,
      loadMs,
      tags: found?.versions ?? [],
      tagVouches: found?.vouches ?? [],
      tagChanges: found?.changes ?? -1,
      isOutdated: !found || found.youngestMs <= clock.nowMs() - startedMs,
    }
  } finally {
    clearTimeout(timer)
  }
}
