/** A hot set that a test publishes to one process, when it says so. */
import type { HotKeysPort } from '../../src/cache/ports.js'
import { type HotSet, noHotSet } from '../../src/hotkeys/hot-set.js'

export class FakeHotKeys implements HotKeysPort {
  set: HotSet = noHotSet
  private readonly listeners = new Set<() => void>()

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  countHits(): () => void {
    return () => {}
  }

  /** Keys as they stand on the nodes; of a split key the number of its copies. */
  publish(what: {
    readonly local?: readonly string[]
    readonly split?: Readonly<Record<string, number>>
  }): void {
    const local = what.local?.map((key) => ({ key: Buffer.from(key), untilMs: Number.MAX_SAFE_INTEGER }))
    const split =
      what.split &&
      Object.entries(what.split).map(([key, count]) => ({
        key: Buffer.from(key),
        salts: Array.from({ length: count }, (_, index) => index + 1),
      }))
    this.set = {
      ...this.set,
      ...{ generation: this.set.generation + 1, publishedMs: this.set.generation },
      ...(local ? { local } : {}),
      ...(split ? { split } : {}),
    }
    for (const listener of this.listeners) listener()
  }
}
