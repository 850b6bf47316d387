/** What has changed from window to window while hot keys are watched. */
import type { Estimate, HotKey } from './estimate.js'
import type { Bounded } from './interval.js'

export type Change = 'new' | 'rising' | 'falling' | 'steady'

export interface Trend {
  /** By name, of the keys of this window. */
  readonly changes: ReadonlyMap<string, Change>
  /** Were certain and are not above the threshold any more; most recent first. */
  readonly gone: readonly { readonly name: string; readonly goneMs: number }[]
}

/** So long after its windows a sample counts half. */
export const halfLifeMs = 10_000

/** The weight of what was sampled before, after that time. */
export function decayFactor(passedMs: number): number {
  return 0.5 ** (passedMs / halfLifeMs)
}

/** A key is compared with what it was about this long ago: windows share most of their samples with the one before. */
const comparedMs = halfLifeMs
/** So long a key that has gone is still told of, and one that has come is new. */
const toldMs = 10_000

interface Seen {
  readonly atMs: number
  readonly shares: ReadonlyMap<string, Bounded>
}

export class TrendKeeper {
  private windows: Seen[] = []
  private readonly firstSeenMs = new Map<string, number>()
  private readonly certain = new Set<string>()
  private readonly goneMs = new Map<string, number>()

  /** `atMs`: monotonic. */
  next({ keys, names }: Estimate, atMs: number): Trend {
    const isFirst = this.windows.length === 0
    const shares = new Map(keys.map((key) => [key.name, largestShare(key)]))
    const reference = this.windows.findLast((window) => atMs - window.atMs >= comparedMs) ?? this.windows[0]
    this.noteGone(names, atMs)
    // not the shown ones only: a key that moves across the table's end is neither new nor gone
    for (const name of names)
      if (!this.firstSeenMs.has(name)) this.firstSeenMs.set(name, isFirst ? Number.NEGATIVE_INFINITY : atMs)
    for (const { name, certainty } of keys) if (certainty === 'certain') this.certain.add(name)
    const changes = new Map(
      keys.map(({ name }) => {
        const isNew = atMs - (this.firstSeenMs.get(name) ?? atMs) < toldMs
        return [name, isNew ? 'new' : changeOf(reference?.shares.get(name), shares.get(name))]
      }),
    )
    this.windows = [...this.windows.filter((window) => atMs - window.atMs < 2 * comparedMs), { atMs, shares }]
    const gone = [...this.goneMs].map(([name, since]) => ({ name, goneMs: atMs - since }))
    return { changes, gone: gone.sort((a, b) => a.goneMs - b.goneMs) }
  }

  private noteGone(names: ReadonlySet<string>, atMs: number): void {
    for (const name of this.firstSeenMs.keys()) {
      if (names.has(name)) continue
      this.firstSeenMs.delete(name)
      if (this.certain.delete(name)) this.goneMs.set(name, atMs)
    }
    for (const [name, since] of this.goneMs)
      if (names.has(name) || atMs - since >= toldMs) this.goneMs.delete(name)
  }
}

function changeOf(before: Bounded | undefined, now: Bounded | undefined): Change {
  if (!before || !now) return 'steady'
  if (now.low > before.high) return 'rising'
  return now.high < before.low ? 'falling' : 'steady'
}

function largestShare({ nodes }: HotKey): Bounded {
  return nodes.reduce<Bounded>((most, { share }) => (share.value > most.value ? share : most), {
    value: 0,
    low: 0,
    high: 1,
  })
}
