/** Which keys in L1 carry which tag, so that a tag's invalidation drops them. */
import type { StoredTag } from './stored-body.js'

export class TaggedKeys {
  private readonly byTag = new Map<string, Set<string>>()
  private added = 0

  /** `isKept`: whether L1 still has a key; `maxEntries`: so many it has at most. */
  constructor(private readonly l1: { readonly maxEntries: number; isKept(key: string): boolean }) {}

  add(key: string, tags: readonly StoredTag[]): void {
    for (const { name } of tags) {
      const keys = this.byTag.get(name)
      if (keys) keys.add(key)
      else this.byTag.set(name, new Set([key]))
      this.added += 1
    }
    if (this.added > 4 * this.l1.maxEntries) this.sweep()
  }

  /** The keys of a tag, which has them no more. */
  take(tag: string): ReadonlySet<string> {
    const keys = this.byTag.get(tag) ?? new Set<string>()
    this.byTag.delete(tag)
    return keys
  }

  /** Forgets what L1 has evicted. */
  private sweep(): void {
    this.added = 0
    for (const [tag, keys] of this.byTag) {
      for (const key of keys) if (!this.l1.isKept(key)) keys.delete(key)
      if (keys.size === 0) this.byTag.delete(tag)
      this.added += keys.size
    }
  }
}
