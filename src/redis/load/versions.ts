/**
 * Which values a read may still return. Every write of a key gets the next version. Once no write of the key is under way
 * and all were acknowledged, its versions so far are settled; a later write that is acknowledged replaces all of them, and
 * a read sent after that must not return one. Writes that overlap settle nothing: no false alarm, however servers order them.
 */

export interface VersionMemory {
  /** [key] × (issued, settled, replaced, under way): one cache line a write. */
  readonly words: Uint32Array<SharedArrayBuffer>
  /** A bit for each key of which anything was replaced: small enough for the cache, and most reads need no more. */
  readonly anyReplaced: Int32Array<SharedArrayBuffer>
  /** Tells this run's values from another's. */
  readonly run: number
}

const [issued, settled, replaced, underWay, wordsPerKey] = [0, 1, 2, 3, 4]

/** 16 bytes a key, shared: all threads of a run see one history. */
export function createVersionMemory(keys: number, run: number): VersionMemory {
  return {
    words: new Uint32Array(new SharedArrayBuffer(4 * wordsPerKey * keys)),
    anyReplaced: new Int32Array(new SharedArrayBuffer(4 * ((keys >>> 5) + 1))),
    run,
  }
}

export class Versions {
  readonly run: number
  private readonly words: Uint32Array<SharedArrayBuffer>
  private readonly anyReplaced: Int32Array<SharedArrayBuffer>

  constructor(memory: VersionMemory) {
    this.run = memory.run
    this.words = memory.words
    this.anyReplaced = memory.anyReplaced
  }

  /** The version of a write that starts now. */
  begin(key: number): number {
    const at = key * wordsPerKey
    Atomics.add(this.words, at + underWay, 1)
    return Atomics.add(this.words, at + issued, 1) + 1
  }

  /** What an acknowledged write that starts now will have replaced. */
  settledOf(key: number): number {
    return Atomics.load(this.words, key * wordsPerKey + settled)
  }

  acknowledge(key: number, settledBefore: number): void {
    const at = key * wordsPerKey + replaced
    if (settledBefore > Atomics.load(this.words, at)) {
      Atomics.store(this.words, at, settledBefore)
      Atomics.or(this.anyReplaced, key >>> 5, 1 << (key & 31))
    }
    this.end(key)
  }

  /** The server refused it: it changed nothing. A write whose outcome nobody knows never ends. */
  refuse(key: number): void {
    this.end(key)
  }

  /** A read sent now that returns this version or an older one is stale. */
  replacedOf(key: number): number {
    if ((this.anyReplaced[key >>> 5]! & (1 << (key & 31))) === 0) return 0
    // a plain read costs a tenth of an atomic one; what another thread replaces at this moment, this read may return
    return this.words[key * wordsPerKey + replaced]!
  }

  private end(key: number): void {
    const at = key * wordsPerKey
    // read first: a write that starts after the count below has fallen to nothing must not be settled by it
    const soFar = Atomics.load(this.words, at + issued)
    if (Atomics.sub(this.words, at + underWay, 1) === 1) Atomics.store(this.words, at + settled, soFar)
  }
}
