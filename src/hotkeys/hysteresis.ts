/**
 * Which keys stay published from window to window: one enters sooner than it leaves, so that the set does not flutter.
 * A value; no I/O.
 */

export interface HysteresisRules {
  /** A share in (0, 1): above it a key is hot; below half of it no more. */
  readonly threshold: number
  /** Keys at most; hotter ones do not drive out those that are in. */
  readonly limit: number
}

/** A key in one window. */
export interface Observed {
  /** 0 for a key that is not fit to be served from memory. */
  readonly share: number
  /** Lower end of its interval. */
  readonly low: number
}

export interface Entry {
  readonly name: string
  readonly share: number
  readonly reason: string
}

export interface Changes {
  readonly entered: readonly Entry[]
  readonly left: readonly Entry[]
}

const windowsToEnter = 2
const windowsToLeave = 3

export class Hysteresis {
  /** Key → windows in a row that it was below. */
  private readonly inside = new Map<string, number>()
  /** Key → windows in a row that it was above. */
  private readonly outside = new Map<string, number>()

  constructor(private readonly rules: HysteresisRules) {}

  get names(): readonly string[] {
    return [...this.inside.keys()]
  }

  /** Keys that are not in the window have no share. */
  step(window: ReadonlyMap<string, Observed>): Changes {
    const left = this.leave(window)
    return { left, entered: this.enter(window, new Set(left.map(({ name }) => name))) }
  }

  private leave(window: ReadonlyMap<string, Observed>): Entry[] {
    const left: Entry[] = []
    for (const [name, below] of this.inside) {
      const { share } = window.get(name) ?? cold
      const isBelow = share < this.rules.threshold / 2
      this.inside.set(name, isBelow ? below + 1 : 0)
      if (!isBelow || below + 1 < windowsToLeave) continue
      this.inside.delete(name)
      left.push({ name, share, reason: `below half the threshold in ${windowsToLeave} windows in a row` })
    }
    return left
  }

  private enter(window: ReadonlyMap<string, Observed>, justLeft: ReadonlySet<string>): Entry[] {
    const { threshold, limit } = this.rules
    const hottestFirst = [...window].sort((a, b) => b[1].share - a[1].share)
    const above = new Map<string, number>()
    const entered: Entry[] = []
    for (const [name, { share, low }] of hottestFirst) {
      if (this.inside.has(name) || justLeft.has(name) || share <= threshold) continue
      // a look of the library is three commands: what was seen once or twice comes often by chance
      if (low < threshold / 2) continue
      const windows = (this.outside.get(name) ?? 0) + 1
      above.set(name, windows)
      const isCertain = low > threshold
      if ((!isCertain && windows < windowsToEnter) || this.inside.size >= limit) continue
      this.inside.set(name, 0)
      above.delete(name)
      const reason = isCertain
        ? 'certain to be hot'
        : `above the threshold in ${windowsToEnter} windows in a row`
      entered.push({ name, share, reason })
    }
    this.outside.clear()
    for (const [name, windows] of above) this.outside.set(name, windows)
    return entered
  }
}

const cold: Observed = { share: 0, low: 0 }
