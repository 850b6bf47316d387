/**
 * Tags name groups of values. Each has a version, which its invalidation raises; a value is kept with the versions of its
 * tags, and is good while they are the present ones. Versions are read once and then told by their nodes, like values.
 */
import { unreachable } from '../errors.js'
import { printable } from '../printable.js'
import { withinDeadline } from './l2-deadline.js'
import type { L2Port, TagVersion, Vouch } from './ports.js'
import type { StoredTag } from './stored-body.js'

interface Known {
  readonly version: string
  readonly vouch: Vouch | undefined
}

export interface TagVersions {
  readonly versions: readonly StoredTag[]
  /** How long ago the youngest of their invalidations is. */
  readonly youngestMs: number
  /** Until when they are known to be the present ones: the least of these. */
  readonly vouches: readonly Vouch[]
  /** `Tags.changes` before they were asked for. */
  readonly changes: number
}

const maxKnown = 10_000

export class Tags {
  private readonly known = new Map<string, Known>()
  /** Grows with everything that we hear of tags: what was read before it grew may be old. */
  changes = 0

  constructor(
    private readonly l2: L2Port | undefined,
    private readonly options: { readonly prefix: string; readonly timeoutMs: number },
  ) {}

  /**
   * Reads them anew: only so is it certain how old they are. `loadChanges`: `changes` when what they are for was begun.
   * Errors: `unreachable`.
   */
  async versions(names: readonly string[], loadChanges = this.changes): Promise<TagVersions> {
    const { l2, changes } = this
    if (names.length === 0 || !l2) {
      // nobody else can invalidate them: there is one version
      const versions = names.map((name) => ({ name, version: '' }))
      return { versions, youngestMs: Number.POSITIVE_INFINITY, vouches: [], changes: loadChanges }
    }
    const keys = names.map((name) => this.keyOf(name))
    const found: TagVersion[] = new Array(names.length)
    await Promise.all(
      l2.groupByOwner(keys).map(async (indexes) => {
        const own = indexes.map((index) => keys[index]!)
        const node = l2.ownerOf(own[0]!)
        if (!l2.isUp(node)) throw unreachable(`node ${printable(node)} does not answer`)
        const { timeoutMs } = this.options
        const versions = await withinDeadline(l2, { node, timeoutMs }, l2.tagVersions(own))
        indexes.forEach((index, at) => {
          found[index] = versions[at]!
        })
      }),
    )
    if (changes === this.changes)
      for (const [index, name] of names.entries()) this.remember(name, found[index]!)
    return {
      versions: names.map((name, index) => ({ name, version: found[index]!.version })),
      youngestMs: Math.min(...found.map(({ ageMs }) => ageMs)),
      vouches: found.flatMap(({ vouch }) => (vouch ? [vouch] : [])),
      changes,
    }
  }

  /** Whether these are the present versions, and who vouches for that; a version that is not known is read. */
  async arePresent(
    tags: readonly StoredTag[],
    nowMs: number,
  ): Promise<{ readonly arePresent: boolean; readonly vouches: readonly Vouch[] }> {
    const known = tags.map(({ name }) => this.current(name, nowMs))
    const unknown = tags.filter((_, index) => !known[index]).map(({ name }) => name)
    const read = await this.versions(unknown)
    const versions = new Map(read.versions.map(({ name, version }) => [name, version]))
    return {
      arePresent: tags.every(
        ({ name, version }, index) => (known[index]?.version ?? versions.get(name)) === version,
      ),
      vouches: [...known.flatMap((each) => (each?.vouch ? [each.vouch] : [])), ...read.vouches],
    }
  }

  async invalidate(name: string): Promise<void> {
    this.forget(name)
    const { l2 } = this
    const key = this.keyOf(name)
    const deadline = { node: l2?.ownerOf(key) ?? '', timeoutMs: this.options.timeoutMs }
    try {
      if (l2) await withinDeadline(l2, deadline, l2.invalidateTag(key))
    } finally {
      this.forget(name)
    }
  }

  /** Somebody has invalidated it. */
  forget(name?: string): void {
    this.changes += 1
    if (name === undefined) this.known.clear()
    else this.known.delete(name)
  }

  keyOf(name: string): Buffer {
    return Buffer.from(this.options.prefix + name)
  }

  private current(name: string, nowMs: number): Known | undefined {
    const known = this.known.get(name)
    return known?.vouch && nowMs < known.vouch.untilMs ? known : undefined
  }

  private remember(name: string, known: Known): void {
    if (this.known.size >= maxKnown) this.known.clear()
    this.known.set(name, known)
  }
}

/** As good as the least of them; one object for the same ones, since each entry in L1 has its vouch. */
export function allOf(vouches: readonly Vouch[]): Vouch {
  return [...new Set(vouches)].reduce(both)
}

class Both implements Vouch {
  constructor(
    private readonly a: Vouch,
    private readonly b: Vouch,
  ) {}

  get untilMs(): number {
    return Math.min(this.a.untilMs, this.b.untilMs)
  }
}

const pairs = new WeakMap<Vouch, WeakMap<Vouch, Vouch>>()

function both(a: Vouch, b: Vouch): Vouch {
  const withA = pairs.get(a) ?? new WeakMap<Vouch, Vouch>()
  pairs.set(a, withA)
  const known = withA.get(b) ?? new Both(a, b)
  withA.set(b, known)
  return known
}
