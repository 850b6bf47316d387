/** Which keys L1 may hold where it is for hot keys only: those of the published set that belong to the cache. */
import type { HotSet } from '../hotkeys/hot-set.js'

export class LocalKeys {
  private names: ReadonlySet<string> = new Set()
  /** Reads that were served from memory, by key of the cache. */
  private readonly counts = new Map<string, number>()
  private readonly prefix: Buffer

  /** `prefix`: of the cache's keys, as they stand on the nodes. */
  constructor(prefix: string) {
    this.prefix = Buffer.from(prefix)
  }

  get size(): number {
    return this.names.size
  }

  has(key: string): boolean {
    return this.names.has(key)
  }

  count(key: string): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }

  /** By key as it stands on its node, latin1. */
  get hits(): ReadonlyMap<string, number> {
    return new Map(
      [...this.counts].map(([key, count]) => [
        Buffer.concat([this.prefix, Buffer.from(key)]).toString('latin1'),
        count,
      ]),
    )
  }

  /** Those that have left with this set. */
  take({ local }: HotSet): string[] {
    const { names: before, prefix } = this
    this.names = new Set(
      local.flatMap(({ key }) => {
        if (!key.subarray(0, prefix.length).equals(prefix)) return []
        const name = key.toString('utf8', prefix.length)
        // what is no text is no key of a cache
        return Buffer.from(name).equals(key.subarray(prefix.length)) ? [name] : []
      }),
    )
    const left = [...before].filter((name) => !this.names.has(name))
    for (const name of left) this.counts.delete(name)
    return left
  }
}
