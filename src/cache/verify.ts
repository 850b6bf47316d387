/**
 * Is the cache consistent? For sampled keys it compares what L1 and L2 serve with the source of truth, after Meta's
 * Polaris ("Cache made consistent", engineering.fb.com, 2022). A difference is looked at again until `withinMs` has
 * passed, because a write may be under way.
 *
 * Invariant: a key counts as inconsistent only if for `withinMs` or longer a tier has served one value, and the source
 * said something else at the beginning, at the end and whenever it was asked in between.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Clock, systemClock } from '../clock.js'
import { invalid } from '../errors.js'
import { createRandom, freshSeed, type Random } from '../random.js'
import { type Cause, type ConsistencyCounts, createCounts, type Where } from './consistency.js'
import { durationMs, type Ms } from './durations.js'
import type { CacheLook, TierLook } from './look.js'
import type { Loaded } from './options.js'

export interface VerifierOptions<V> {
  /** Reads the source of truth, past every cache. */
  load(key: string, context: { readonly signal: AbortSignal }): Promise<Loaded<V>>
  /** `offer` takes this share of the keys. Default 1. */
  readonly sampleShare?: number
  /** `offer` takes no more keys a second. Default 10. */
  readonly ratePerSec?: number
  /** Default 1 s. */
  readonly within?: Ms
  /** Default: the same after JSON, whatever the order of properties. */
  equal?(cached: V, source: V): boolean
  /** Hears of each key that is inconsistent. */
  onDifference?(difference: Difference<V>): void
  /** Hears why a key could not be checked: the source's own error, or `unreachable` of a node. */
  onFailure?(key: string, error: unknown): void
  readonly clock?: Clock
  readonly random?: Random
}

export interface Difference<V> {
  readonly key: string
  readonly where: Where
  readonly cause: Cause
  /** undefined: the tier served nothing. */
  readonly l1: V | null | undefined
  readonly l2: V | null | undefined
  readonly source: V | null
}

export type Verdict =
  | 'consistent'
  | 'inconsistent'
  | 'undecided'
  | 'pending'
  | 'absent'
  | 'unreadable'
  | 'failed'

export interface Verifier {
  /** A key that was read just now; perhaps it is checked, in the background. */
  offer(key: string): void
  /** Looks at one key, whatever the sample. Never rejects but by the signal. */
  check(key: string, signal?: AbortSignal): Promise<Verdict>
  /** Waits for what `offer` has started. */
  settle(): Promise<void>
  readonly counts: Readonly<ConsistencyCounts>
}

/** What the verifier needs of a cache. */
export interface Lookable<V> {
  look(key: string): Promise<CacheLook<V>>
}

/** Keys that `offer` may have under way; each is for `within` at most, and what its loads take. */
const maxUnderWay = 256
/** When a difference is looked at again, as shares of `within`. */
const looksAgain = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1]
const none = { kind: 'none' } as const

interface Glance<V> extends CacheLook<V> {
  readonly source: V | null
}

export function createVerifier<V>(cache: Lookable<V>, options: VerifierOptions<V>): Verifier {
  const { sampleShare = 1, ratePerSec = 10, within = 1_000 } = options
  const { clock = systemClock, random = createRandom(freshSeed()) } = options
  if (!(sampleShare > 0 && sampleShare <= 1)) throw invalid('sampleShare: it is a share above 0, at most 1')
  if (!(ratePerSec > 0)) throw invalid('ratePerSec: it is a number above 0')
  const withinMs = durationMs('within', within)
  const equal = options.equal ?? sameJson
  const same = (a: V | null, b: V | null) => (a === null || b === null ? a === b : equal(a, b))
  const counts = createCounts()
  const underWay = new Set<Promise<Verdict>>()
  let nextMs = Number.NEGATIVE_INFINITY

  const glance = async (key: string, signal: AbortSignal): Promise<Glance<V>> => {
    const { l1, l2 } = await cache.look(key)
    const source = (await options.load(key, { signal })) ?? null
    return { l1, l2, source }
  }

  const judge = async (key: string, signal: AbortSignal): Promise<Verdict> => {
    const first = await glance(key, signal)
    const startedMs = clock.nowMs()
    if (first.l2.kind === 'pending') return 'pending'
    if (first.l1.kind !== 'value' && first.l2.kind !== 'value')
      return first.l2.kind === 'unreadable' ? 'unreadable' : 'absent'
    const said = [first.source]
    const differs = (tier: TierLook<V>) =>
      tier.kind === 'value' && !said.some((source) => same(tier.value, source))
    let last: Glance<V> = {
      ...first,
      l1: differs(first.l1) ? first.l1 : none,
      l2: differs(first.l2) ? first.l2 : none,
    }
    for (const share of looksAgain) {
      if (last.l1.kind === 'none' && last.l2.kind === 'none') return 'consistent'
      await clock.sleep(Math.max(0, startedMs + share * withinMs - clock.nowMs()), signal)
      const again = await glance(key, signal)
      if (again.l2.kind === 'pending') return 'pending'
      said.push(again.source)
      // a tier that was right once is right: what it serves later is younger
      const stillWrong = (before: TierLook<V>, now: TierLook<V>) =>
        before.kind !== 'none' && differs(now) ? now : none
      last = {
        l1: stillWrong(last.l1, again.l1),
        l2: stillWrong(last.l2, again.l2),
        source: again.source,
      }
    }
    if (last.l1.kind === 'none' && last.l2.kind === 'none') return 'consistent'
    const stands = (before: TierLook<V>, now: TierLook<V>) =>
      now.kind === 'value' && before.kind === 'value' && same(before.value, now.value)
    const isL1 = stands(first.l1, last.l1)
    const isL2 = stands(first.l2, last.l2)
    if (!isL1 && !isL2) return 'undecided'
    const where = isL1 && isL2 ? 'both' : isL1 ? 'l1' : 'l2'
    const cause = causeOf(isL2 ? last.l2 : last.l1, last.source)
    counts.where[where] += 1
    counts.causes[cause] += 1
    const served = (tier: TierLook<V>) => (tier.kind === 'value' ? tier.value : undefined)
    options.onDifference?.({
      ...{ key, where, cause, source: last.source, l1: served(last.l1), l2: served(last.l2) },
    })
    return 'inconsistent'
  }

  const check = async (key: string, signal = never): Promise<Verdict> => {
    const verdict = await judge(key, signal).catch((error: unknown): Verdict => {
      signal.throwIfAborted()
      options.onFailure?.(key, error)
      return 'failed'
    })
    counts.checked += 1
    counts[verdict] += 1
    return verdict
  }

  return {
    counts,
    check,
    offer: (key) => {
      if (sampleShare < 1 && random.next() >= sampleShare) return
      const nowMs = clock.nowMs()
      if (nowMs < nextMs) return
      if (underWay.size >= maxUnderWay) {
        counts.skipped += 1
        return
      }
      nextMs = nowMs + 1_000 / ratePerSec
      const checking = check(key)
      underWay.add(checking)
      void checking.finally(() => underWay.delete(checking))
    },
    settle: async () => {
      await Promise.all(underWay)
    },
  }
}

const never = new AbortController().signal

function causeOf<V>(tier: TierLook<V>, source: V | null): Cause {
  if (tier.kind === 'value' && tier.value === null) return 'negative'
  return source === null ? 'deleted' : 'outdated'
}

function sameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b) || isDeepStrictEqual(plain(a), plain(b))
}

/** As the cache's own codec would give it back. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each))
  return text === undefined ? undefined : JSON.parse(text)
}
