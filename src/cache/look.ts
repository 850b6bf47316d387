/** What each tier would serve of a key, for checks: nothing is loaded, leased or counted as a read. */
import { isUnreachable } from '../errors.js'
import type { CacheCore } from './core.js'
import { decodeBody } from './stored-body.js'
import { freshToken } from './token.js'
import { unpack } from './unpack.js'

/**
 * `none`: it would not serve anything; `pending`: write-behind has not brought it to the source yet; `unreadable`: another
 * codec's or program's bytes, which count as nothing too.
 */
export type TierLook<V> =
  | { readonly kind: 'value'; readonly value: V | null }
  | { readonly kind: 'none' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'unreadable' }

export interface CacheLook<V> {
  readonly l1: TierLook<V>
  readonly l2: TierLook<V>
}

const none = { kind: 'none' } as const

/** `l1`: what the memory of this process has, fresh. Errors: `unreachable` when the key's node does not answer. */
export async function lookAt<V>(
  core: CacheCore<V>,
  key: string,
  l1: V | null | undefined,
): Promise<CacheLook<V>> {
  return { l1: l1 === undefined ? none : { kind: 'value', value: l1 }, l2: await lookAtL2(core, key) }
}

async function lookAtL2<V>(core: CacheCore<V>, key: string): Promise<TierLook<V>> {
  const { l2, settings, stats } = core
  if (!l2) return none
  const whole = core.wholeKey(key)
  const request = l2.getOrLease([whole], { token: freshToken(), leaseMs: 0 })
  const [found] = await core.inTime(whole, request).catch((error: unknown) => {
    if (isUnreachable(error)) stats.l2Failures += 1
    throw error
  })
  if (found?.kind !== 'value') return none
  if (found.value.isPending) return { kind: 'pending' }
  const kept = await unpack(core, key, found.value)
  // past its `ttl` it is served knowingly
  if (kept) return kept.freshMs > 0 ? { kind: 'value', value: kept.value } : none
  const body = decodeBody(found.value.body)
  const isOutdated = body?.codecId === settings.codec.id && body.tags.length > 0
  return isOutdated ? none : { kind: 'unreadable' }
}
