/**
 * Reads under way in this process, a key each: what the library does for one of them it does for all. Who began shows in
 * who calls the loader, and in what the node said.
 */

interface Wanted {
  readonly key: number
  /** Of the value that a load gives. */
  readonly valueBytes: number
  readonly ttlSeconds: number
}

export interface Reading extends Wanted {
  readers: number
  isLoading: boolean
  /** For another process's load. */
  hasWaited: boolean
  isStale: boolean
}

export class Readings {
  private readonly byKey = new Map<number, Reading>()
  private callingKey = -1
  private isCalledLoading = false

  of(key: number): Reading | undefined {
    return this.byKey.get(key)
  }

  /** Calls `get`, which may call the loader before it returns. */
  call<T>(key: number, get: () => T): T {
    this.callingKey = key
    this.isCalledLoading = false
    const asked = get()
    this.callingKey = -1
    return asked
  }

  /** The read that was called last is not served by L1. */
  join({ key, valueBytes, ttlSeconds }: Wanted): { readonly reading: Reading; readonly isFirst: boolean } {
    const other = this.byKey.get(key)
    const blank = { key, valueBytes, ttlSeconds, readers: 0, hasWaited: false, isStale: false }
    const reading = other ?? { ...blank, isLoading: this.isCalledLoading }
    if (!other) this.byKey.set(key, reading)
    reading.readers += 1
    return { reading, isFirst: other === undefined }
  }

  leave(reading: Reading): void {
    reading.readers -= 1
    if (reading.readers === 0 && this.byKey.get(reading.key) === reading) this.byKey.delete(reading.key)
  }

  /** The loader was called, and not for a value that is still there. */
  load(key: number): void {
    const reading = this.byKey.get(key)
    if (reading) reading.isLoading = true
    else if (this.callingKey === key) this.isCalledLoading = true
  }
}
