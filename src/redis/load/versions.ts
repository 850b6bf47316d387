/**
 * Which values a read may still return. Every write of a key gets the next version. Once no write of the key is under way
 * and all were acknowledged, its versions so far are settled; a later write that is acknowledged replaces all of them, and
 * a read sent after that must not return one. Writes that overlap settle nothing: no false alarm, however servers order them.
 */

export class Versions {
  private readonly issued: Uint32Array
  private readonly settled: Uint32Array
  private readonly replaced: Uint32Array
  private readonly underWay: Uint16Array

  /** In shared memory, so that all threads of a run see one history. */
  constructor(private readonly memory: VersionMemory) {
    const { keys, buffer } = memory
    this.issued = new Uint32Array(buffer, 0, keys)
    this.settled = new Uint32Array(buffer, 4 * keys, keys)
    this.replaced = new Uint32Array(buffer, 8 * keys, keys)
    this.underWay = new Uint16Array(buffer, 12 * keys, keys)
  }

  get run(): number {
    return this.memory.run
  }

  /** The version of a write that starts now. */
  begin(key: number): number {
    Atomics.add(this.underWay, key, 1)
    return Atomics.add(this.issued, key, 1) + 1
  }

  /** What an acknowledged write that starts now will have replaced. */
  settledOf(key: number): number {
    return Atomics.load(this.settled, key)
  }

  acknowledge(key: number, settledBefore: number): void {
    if (settledBefore > Atomics.load(this.replaced, key)) Atomics.store(this.replaced, key, settledBefore)
    this.end(key)
  }

  /** The server refused it: it changed nothing. A write whose outcome nobody knows never ends. */
  refuse(key: number): void {
    this.end(key)
  }

  private end(key: number): void {
    // read first: a write that starts after the count below has fallen to nothing must not be settled by it
    const issued = Atomics.load(this.issued, key)
    if (Atomics.sub(this.underWay, key, 1) === 1) Atomics.store(this.settled, key, issued)
  }

  /** A read sent now that returns this version or an older one is stale. */
  replacedOf(key: number): number {
    return Atomics.load(this.replaced, key)
  }
}

export interface VersionMemory {
  readonly buffer: SharedArrayBuffer
  readonly keys: number
  /** Tells this run's values from another's. */
  readonly run: number
}

/** 14 bytes a key. */
export function createVersionMemory(keys: number, run: number): VersionMemory {
  return { buffer: new SharedArrayBuffer(14 * keys), keys, run }
}
