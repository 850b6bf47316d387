/** Looks through values that were read: are they what was written, and not what an acknowledged write had replaced? */
import { type LoadMemory, verified } from './memory.js'
import { createReader, type Stamp } from './values.js'
import { type VersionMemory, Versions } from './versions.js'

export class Verifier {
  private readonly versions: Versions
  private readonly read: ReturnType<typeof createReader>
  private readonly nextStamp: { -readonly [field in keyof Stamp]: Stamp[field] }

  constructor(
    versions: VersionMemory,
    private readonly memory: LoadMemory,
  ) {
    this.versions = new Versions(versions)
    this.read = createReader(versions.run)
    this.nextStamp = { run: versions.run, key: 0, version: 0 }
  }

  /** What a read that is sent now must not return: this version, and older ones. */
  floorOf(key: number): number {
    return this.versions.replacedOf(key)
  }

  /** Before a write begins: what it will have replaced once it is acknowledged. */
  settledOf(key: number): number {
    return this.versions.settledOf(key)
  }

  /** The stamp of a write that begins now. Valid until the next call. */
  stamp(key: number): Stamp {
    this.nextStamp.key = key
    this.nextStamp.version = this.versions.begin(key)
    return this.nextStamp
  }

  beginRemoval(key: number): number {
    const settled = this.versions.settledOf(key)
    this.versions.begin(key)
    return settled
  }

  written(key: number, settledBefore: number): void {
    this.versions.acknowledge(key, settledBefore)
  }

  refused(key: number): void {
    this.versions.refuse(key)
  }

  look(bytes: Uint8Array, start: number, end: number, key: number, floor: number, counted: 0 | 1): void {
    const counts = this.memory.verified
    counts[verified.values]! += counted
    const verdict = this.read(bytes, start, end, key)
    if (verdict.kind === 'wrong') counts[verified.wrong]! += counted
    else if (verdict.kind === 'ours' && verdict.version <= floor) counts[verified.stale]! += counted
  }
}
