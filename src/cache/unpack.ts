/** A value that stands at L2, made an application's value again, if this cache may serve it. */
import type { CacheCore } from './core.js'
import type { L2Found, StoredValue, Vouch } from './ports.js'
import { decodeBody, type StoredBody } from './stored-body.js'
import { allOf } from './tags.js'

export interface Unpacked<V> {
  readonly body: StoredBody
  readonly value: V | null
  /** Until it is not fresh any more, ms; negative: so long ago. */
  readonly freshMs: number
  readonly tagVouches: readonly Vouch[]
}

/** undefined: outdated by a tag, or written by another codec or program. */
export async function unpack<V>(
  core: CacheCore<V>,
  key: string,
  stored: StoredValue,
): Promise<Unpacked<V> | undefined> {
  const { settings, tags, clock } = core
  const body = decodeBody(stored.body)
  if (!body || (!body.isNull && body.codecId !== settings.codec.id)) return undefined
  let tagVouches: readonly Vouch[] = []
  // what waits for the source is newer than the invalidation of a tag, which tells of a change there
  if (body.tags.length > 0 && !stored.isPending) {
    const found = await tags.arePresent(body.tags, clock.nowMs()).catch((error: unknown) => {
      core.failed(error)
      return undefined
    })
    if (!found?.arePresent) return undefined
    tagVouches = found.vouches
  }
  try {
    const value = body.isNull ? null : core.readBytes(key, body.bytes)
    const freshMs = stored.isPending ? settings.ttlMs : stored.leftMs - body.staleMs
    return { body, value, freshMs, tagVouches }
  } catch (error) {
    core.on.error?.(error)
    return undefined
  }
}

/** In L1, for as long as its node's word holds, or that of the replica that told it. */
export function keepUnpacked<V>(
  core: CacheCore<V>,
  key: string,
  { value, body, freshMs, tagVouches }: Unpacked<V>,
  found: L2Found & { readonly kind: 'value'; readonly readMs: number },
): void {
  const vouch = found.vouch ?? found.replica
  if (!vouch) return
  core.keep(key, value, {
    freshUntilMs: found.readMs + freshMs,
    loadMs: body.loadMs,
    bytes: found.value.body.length,
    vouch: tagVouches.length === 0 ? vouch : allOf([vouch, ...tagVouches]),
    tags: body.tags,
  })
}
